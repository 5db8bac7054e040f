export { Passwords, PasswordFileError } from './password-file.ts'
export { passwordFileUsers, type UsersOptions } from './users.ts'
