/** Users of the ready server: from a password file, with rights from an ACL file. Both may change at run time. */
import type { Logger } from 'pino'
import {
  type Acl,
  AclFile,
  FollowedFile,
  MosquittoUsers,
  PasswordChecks,
  Passwords,
  readParsed,
} from '../mosquitto-compat/index.ts'
import type { Config } from './settings.ts'

export interface FileUsers {
  readonly users: MosquittoUsers
  /** Reads the files again. */
  reload(): void
  close(): void
}

type FileSettings = Pick<Config, 'PUSH_PASSWORD_FILE' | 'PUSH_ACL_FILE' | 'PUSH_ACL_SUBSCRIBE'>

/** Undefined if there are no users. @throws FileError */
export function fileUsers(
  config: FileSettings & Pick<Config, 'PUSH_MAX_FAILED_LOGINS'>,
  logger: Logger,
): FileUsers | undefined {
  const { PUSH_PASSWORD_FILE: passwordPath, PUSH_ACL_FILE: aclPath } = config
  if (passwordPath === undefined) return undefined
  const checks = new PasswordChecks({ failures: config.PUSH_MAX_FAILED_LOGINS, now: () => performance.now() })
  let access = {
    passwords: readParsed(passwordPath, parsePasswords),
    acl: aclPath === undefined ? undefined : readParsed(aclPath, aclParser(config)),
    allowAnonymous: false,
  }
  const users = new MosquittoUsers({ checks }, access)
  const use = (changed: Partial<typeof access>) => {
    access = { ...access, ...changed }
    users.set(access)
  }
  const follow = <T>(what: string, path: string, parse: (text: string) => T, changed: (content: T) => void) =>
    new FollowedFile({
      path,
      parse,
      changed(content) {
        changed(content)
        logger.info({ path }, `reloaded the ${what}`)
      },
      broken: (error) => logger.error({ err: error }, `cannot use the ${what}; keeping the previous one`),
    })
  const files: { reload(): void; close(): void }[] = [
    follow('password file', passwordPath, parsePasswords, (passwords) => use({ passwords })),
  ]
  if (aclPath !== undefined) {
    warn(access.acl, aclPath, logger)
    const changed = (acl: Acl) => {
      warn(acl, aclPath, logger)
      use({ acl })
    }
    files.push(follow('ACL file', aclPath, aclParser(config), changed))
  }
  return {
    users,
    reload: () => files.forEach((file) => file.reload()),
    close: () => files.forEach((file) => file.close()),
  }
}

function warn(acl: Acl | undefined, path: string, logger: Logger): void {
  for (const warning of acl?.warnings ?? []) logger.warn({ path }, `the ACL file: ${warning}`)
}

/** For the check of the settings. @throws FileError */
export function checkPasswordFile(path: string): void {
  readParsed(path, parsePasswords)
}

/** @throws FileError */
export function checkAclFile(path: string): void {
  readParsed(path, (text) => AclFile.parse(text))
}

function parsePasswords(text: string): Passwords {
  return new Passwords(text)
}

function aclParser({ PUSH_ACL_SUBSCRIBE: subscribe }: Pick<Config, 'PUSH_ACL_SUBSCRIBE'>): (text: string) => Acl {
  return (text) => AclFile.parse(text, { strict: subscribe === 'strict' })
}
