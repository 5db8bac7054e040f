export { AclFile, AclFileError, type Access, type Acl, type AclOptions } from './acl/acl-file.ts'
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
export { FileError, FollowedFile, readParsed } from './followed-file.ts'
export { PasswordChecks } from './passwords/password-checks.ts'
export { PasswordFileError, Passwords } from './passwords/password-file.ts'
export { MosquittoUsers, NO_USERS, type UserAccess, type UsersOptions } from './users.ts'
export { SysPublisher } from './sys/sys-publisher.ts'
export { MosquittoDbError } from './import/byte-reader.ts'
export {
  type MosquittoDb,
  type QueuedMessage,
  readMosquittoDb,
  type ReceivedMessage,
  type StoredMessage,
  type StoredSession,
} from './import/mosquitto-db.ts'
export { matchesFilter } from './bridges/topic-names.ts'
