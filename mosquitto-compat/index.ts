export { AclFile, AclFileError, type Access, type Acl, type AclOptions } from './acl/acl-file.ts'
export { Passwords, PasswordFileError } from './password-file.ts'
export { passwordFileUsers, type UsersOptions } from './users.ts'
