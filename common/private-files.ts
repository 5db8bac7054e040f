/** Directories and files with secrets or messages, which belong to the user that runs the server only. */
import { constants } from 'node:fs'
import { chmod, mkdir, open, stat, type FileHandle } from 'node:fs/promises'

/** Windows has no such modes or owners. */
const POSIX = process.platform !== 'win32'
const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600
/** Permissions of others: read, write or enter. */
const OTHERS = 0o077
const OTHERS_WRITE = 0o022
const EVERYBODY_WRITES = 0o002
const ROOT = 0

/**
 * Creates the directory, or removes the permissions of others on an existing one.
 * @throws Error if it belongs to another user, who could open it again
 */
export async function privateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
  if (!POSIX) return
  const { uid, mode } = await stat(path)
  if (uid !== process.geteuid?.())
    throw new Error(`${path} belongs to another user (uid ${uid}); chown it to the user who runs the server`)
  if ((mode & OTHERS) !== 0) await chmod(path, DIRECTORY_MODE)
}

/**
 * Reads a secret from a file in the data directory; undefined if there is none. If others could read it, removes their
 * permission and calls `warn`, because they may have read it.
 * @throws Error if somebody else may have planted it: another owner, a symbolic link, or a file that others may write
 * to
 */
export async function readPrivateFile(path: string, warn?: (message: string) => void): Promise<string | undefined> {
  const file = await openSecret(path)
  if (file === undefined) return undefined
  try {
    if (POSIX) await checkSecret(file, path, warn)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

async function openSecret(path: string): Promise<FileHandle | undefined> {
  // Windows has no O_NOFOLLOW.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)
  try {
    return await open(path, flags)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP') throw new Error(`${path} is a symbolic link; put the file itself there`, { cause: error })
    throw error
  }
}

async function checkSecret(file: FileHandle, path: string, warn?: (message: string) => void): Promise<void> {
  const { uid, mode } = await file.stat()
  if (uid !== process.geteuid?.() && uid !== ROOT)
    throw new Error(
      `${path} belongs to another user (uid ${uid}), who may know it; remove it, or chown it if it is yours`,
    )
  if ((mode & OTHERS_WRITE) !== 0)
    throw new Error(
      `${path} can be changed by other users (mode ${octal(mode)}); remove it, or chmod 600 it if it is yours`,
    )
  if ((mode & OTHERS) === 0) return
  const shut = await file.chmod(FILE_MODE).then(
    () => true,
    () => false,
  )
  const now = shut ? 'it is 600 now, but somebody may have read it' : 'run chmod 600 on it'
  warn?.(`${path} could be read by other users (mode ${octal(mode)}): ${now}`)
}

/**
 * Reads a file that a setting points to. It may be a link and belong to another user, as in containers.
 * @throws Error if every user of the machine may change it
 */
export async function readNamedFile(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { mode } = await file.stat()
    if (POSIX && (mode & EVERYBODY_WRITES) !== 0)
      throw new Error(`${path} can be changed by every user (mode ${octal(mode)}); run chmod o-w on it`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8)
}
