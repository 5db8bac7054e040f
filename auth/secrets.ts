/** Secrets that are generated once and stay: signing keys, the key for token ids, a generated provider key. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { privateDirectory, readPrivateFile } from '../common/private-files.ts'

/** What the store offers too, so that many nodes can share their secrets. */
export interface Secrets {
  /**
   * The secret of this name, made by `create` if there is none; everyone who asks gets the same one.
   * `create` is called only if there is none, and when it throws, nothing is made and the call is rejected.
   */
  secret(name: string, create: () => string): Promise<string>
}

export interface FileSecretsOptions {
  /** Told if a file was readable by other users of the machine; the secret is used nevertheless. */
  readonly warn?: (message: string) => void
  /** The directory holds more than secrets, and its mode is left to whoever made it. Default: it is shut to others. */
  readonly shared?: boolean
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700
/** Windows has no way to sync a directory. */
const POSIX = process.platform !== 'win32'

/** Secrets as files of a directory, one file a secret, readable by their owner only. */
export function fileSecrets(directory: string, options: FileSecretsOptions = {}): Secrets {
  return {
    async secret(name, create) {
      if (!NAME.test(name)) throw new TypeError(`not a name of a secret: ${JSON.stringify(name)}`)
      const path = join(directory, name)
      if (options.shared !== true && existsSync(directory)) await privateDirectory(directory)
      const found = await readSecret(path, options)
      if (found !== undefined) return found
      // First of all: when it throws, not even the directory is made.
      const made = create()
      await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE })
      await writeOnce(directory, name, made)
      // Read it back: another process may have been first, and then its secret is the one.
      const agreed = await readSecret(path, options)
      if (agreed === undefined) throw new Error(`${path} vanished while it was being made`)
      return agreed
    },
  }
}

/** The text of a secret file, without the line end that editors add; undefined if there is no file. */
async function readSecret(path: string, { warn }: FileSecretsOptions): Promise<string | undefined> {
  const text = (await readPrivateFile(path, warn))?.replace(/[\r\n]+$/, '')
  if (text === '') throw new Error(`${path} is empty; restore it, or remove it to have a new secret made`)
  return text
}

/**
 * Puts the whole file in place, or leaves the one that is there. A link, unlike a rename, never replaces a file, and
 * it appears only after the content is on disk: nobody reads half a secret, and the first of two processes wins.
 */
async function writeOnce(directory: string, name: string, text: string): Promise<void> {
  if (text === '' || /[\r\n]$/.test(text)) throw new TypeError('a secret is neither empty nor ends with a line end')
  const draft = join(directory, `.${name}.${randomBytes(8).toString('hex')}.tmp`)
  try {
    await writeSynced(draft, `${text}\n`)
    await link(draft, join(directory, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await unlink(draft).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
  if (POSIX) await syncDirectory(directory)
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', FILE_MODE)
  try {
    await file.writeFile(text, 'utf8')
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Without it the name of a new file may be lost in a power cut, though its content was synced. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/**
 * The secret of this name; undefined if there is none, and then none is made. That `create` was called says so: what
 * comes back of its error is up to the engine, which may wrap it.
 */
export async function knownSecret(secrets: Secrets, name: string): Promise<string | undefined> {
  let absent = false
  return await secrets
    .secret(name, () => {
      absent = true
      throw new Error(`there is no secret ${name}`)
    })
    .catch((error: unknown) => {
      if (absent) return undefined
      throw error
    })
}

/** Secrets of `shared`; one that is only in `own` yet becomes the shared one. */
export function firstFrom(own: Secrets, shared: Secrets): Secrets {
  return {
    async secret(name, create) {
      const known = await knownSecret(own, name)
      return await shared.secret(name, known === undefined ? create : () => known)
    },
  }
}
