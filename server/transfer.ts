/**
 * `aedes-push export` and `aedes-push import`: move everything that is stored from one engine to another, as lines of
 * JSON.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileSecrets, knownSecret, TOKEN_SECRETS, type Secrets } from '../auth/index.ts'
import { CODES_TABLE, KEYS_TABLE, SIGNING_TABLE, WEBHOOKS_TABLE } from '../bridge/index.ts'
import { ConfigError, type Config } from './settings.ts'
import type { RetainedMessages } from '../broker/index.ts'
import { engineOf } from '../push/engine.ts'
import type { Store, StoreLimits } from '../store/index.ts'
import { EPOCHS_TABLE } from '../store/revocations.ts'
import {
  type Counts,
  exportStore,
  type Imported,
  importStore,
  noCounts,
  nothingImported,
  splitLines,
} from '../store/transfer/index.ts'

export interface TransferOptions {
  readonly config: Config
  readonly limits: Partial<StoreLimits>
  /** A line for the operator. */
  readonly say: (line: string) => void
  readonly progress: Progress
}

/** Tells how far it is while `work` runs. */
export type Progress = (tell: () => string, work: () => Promise<void>) => Promise<void>

const PROVIDER_KEY = 'provider.key'
/** What moves of the small tables. */
const TABLES = [SIGNING_TABLE, KEYS_TABLE, EPOCHS_TABLE, CODES_TABLE, WEBHOOKS_TABLE]
const CHUNK_CHARACTERS = 64 * 1024
const SECRET = 'it holds the signing keys, the provider key and all messages: keep it as secret as the store itself'

/** Resolves to what was exported. @throws ConfigError, STORE_UNAVAILABLE */
export async function runExport(
  options: TransferOptions,
  output: NodeJS.WritableStream & { readonly isTTY?: boolean },
): Promise<Counts> {
  const { config, say, progress } = options
  if (output.isTTY === true) throw new ConfigError(`export: write to a file, not to the terminal (${SECRET})`)
  if (config.PUSH_REDIS_URL === undefined && !existsSync(storeDirectory(config))) {
    throw new ConfigError(`PUSH_DATA_DIR: there is no store in ${JSON.stringify(config.PUSH_DATA_DIR)} to export`)
  }
  say(`exporting ${placeOf(config)}; ${SECRET}`)
  if (config.PUSH_KEYS_FILE !== undefined) say('the keys of PUSH_KEYS_FILE are not exported: take the file along')
  const counts = noCounts()
  await withStore(options, async (store, topics) => {
    const secrets = await knownSecrets(secretsOf(config, store))
    const lines = exportStore(store, {
      id: randomBytes(9).toString('base64url'),
      secrets,
      topics,
      tables: TABLES,
      counts,
    })
    await progress(
      () => `so far ${inWords(counts)}`,
      () => pipeline(Readable.from(inChunks(lines), { objectMode: false }), output, { end: false }),
    )
    say(`exported ${inWords(counts)}`)
  })
  return counts
}

/** Resolves to what was imported. @throws ConfigError, TransferError, STORE_UNAVAILABLE, RETAINED_LIMIT */
export async function runImport(
  options: TransferOptions,
  input: NodeJS.ReadableStream & { readonly isTTY?: boolean },
): Promise<Imported> {
  const { config, say, progress } = options
  if (input.isTTY === true) throw new ConfigError('import: give the file of an export on standard input')
  say(`importing into ${placeOf(config)}`)
  const imported = nothingImported()
  await withStore(options, async (store, topics) => {
    const secrets = secretsOf(config, store)
    input.setEncoding('utf8')
    try {
      await progress(
        () => `so far ${inWords(imported.read)}`,
        () => importStore(store, splitLines(textOf(input)), { secrets, topics, now: Date.now, imported }),
      )
    } catch (error) {
      say(`not finished, after ${inWords(imported.read)}; it can be run again and goes on where it ended`)
      throw error
    }
  })
  say(`imported ${inWords(imported.read)}`)
  for (const line of remarks(imported)) say(line)
  return imported
}

function remarks({ duplicates, expired, dropped, revoked, sessions, rows }: Imported): string[] {
  const lines = []
  if (duplicates > 0) lines.push(`${duplicates} messages were there already`)
  if (expired > 0) lines.push(`${expired} messages had expired and were left out`)
  if (dropped > 0) lines.push(`${dropped} messages were dropped: a log is fuller than the limits here allow`)
  if (revoked > 0) lines.push(`${revoked} messages are of tokens that are revoked here already`)
  if (sessions > 0) lines.push(`${sessions} sessions were left out: others have their names here`)
  if (rows > 0) lines.push(`${rows} rows of tables stayed as they are here: others were exported`)
  return lines
}

function inWords(counts: Counts): string {
  const { tokens, messages, apps, broadcasts, secrets } = counts
  return [
    `${tokens} tokens`,
    `${messages} private messages`,
    `${broadcasts} broadcasts of ${apps} apps`,
    `${counts.entries} unread messages and events for ${counts.readers} readers`,
    `${counts.retained + counts.topics} retained messages of other topics`,
    `${counts.sessions} sessions with ${counts.deliveries} messages and ${counts.subscriptions} subscriptions`,
    `${counts.rows} rows of tables`,
    `${secrets} keys`,
  ].join(', ')
}

/** Never the URL of Redis, which may hold a password. */
export function placeOf({ PUSH_REDIS_URL: url, PUSH_REDIS_PREFIX: prefix, PUSH_DATA_DIR: directory }: Config): string {
  return url === undefined ? `the embedded store in ${directory}` : `Redis, prefix ${prefix}`
}

function storeDirectory({ PUSH_DATA_DIR: directory }: Config): string {
  return join(directory, 'store')
}

/** The store that the settings name, while `use` runs. */
export async function withStore(
  { config, limits, say }: Omit<TransferOptions, 'progress'>,
  use: (store: Store, topics: RetainedMessages) => Promise<void>,
): Promise<void> {
  const { PUSH_REDIS_URL: redisUrl, PUSH_REDIS_PREFIX: redisPrefix, PUSH_DATA_DIR: dataDir } = config
  const { store, openRetained } = await engineOf(
    { dataDir, redisPrefix, ...(redisUrl === undefined ? {} : { redisUrl }) },
    { limits },
    say,
  )
  await store.open()
  const topics = openRetained()
  try {
    await use(store, topics)
  } finally {
    topics.close()
    await store.close()
  }
}

/** Where the server looks for them. */
function secretsOf({ PUSH_REDIS_URL: url, PUSH_DATA_DIR: directory }: Config, store: Store): Secrets {
  if (url !== undefined) return store
  const keys = fileSecrets(join(directory, 'keys'))
  const provider = fileSecrets(directory, { shared: true })
  return { secret: (name, create) => (name === PROVIDER_KEY ? provider : keys).secret(name, create) }
}

async function knownSecrets(secrets: Secrets): Promise<{ name: string; value: string }[]> {
  const known = []
  for (const name of [...TOKEN_SECRETS, PROVIDER_KEY]) {
    const value = await knownSecret(secrets, name)
    if (value !== undefined) known.push({ name, value })
  }
  return known
}

/** Lines are short: many go out together. */
async function* inChunks(lines: AsyncIterable<string>): AsyncIterable<string> {
  let chunk = ''
  for await (const line of lines) {
    chunk += line
    if (chunk.length < CHUNK_CHARACTERS) continue
    yield chunk
    chunk = ''
  }
  yield chunk
}

async function* textOf(input: NodeJS.ReadableStream): AsyncIterable<string> {
  for await (const piece of input) yield piece.toString()
}
