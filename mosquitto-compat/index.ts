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
