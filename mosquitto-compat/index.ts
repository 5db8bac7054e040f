export { AclFile, AclFileError, type Access, type Acl, type AclOptions } from './acl/acl-file.ts'
export { Passwords, PasswordFileError } from './password-file.ts'
export { passwordFileUsers, type UsersOptions } from './users.ts'
export { startBridges, type Bridges, type BridgesOptions } from './bridges/index.ts'
export {
  bridgeDefaults,
  dependentDefaults,
  type BridgeAddress,
  type BridgeOptions,
  type BridgeTopic,
} from './conf/bridge-options.ts'
export { clientIdRule } from './client-id-rule.ts'
export * from './conf/index.ts'
export { type ListenerAccess, ListenerUsers, NO_USERS, RESERVED_NAME } from './listener-users.ts'
export { PasswordChecks } from './password-checks.ts'
