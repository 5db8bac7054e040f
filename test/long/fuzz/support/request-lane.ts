/** Sends requests that were changed at random, one connection after the other. */
import { Buffer } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SeededRandom } from '../../../support/random.ts'
import { type ApiTarget, reset, within } from '../../../support/index.ts'
import { faultOfAnswer, HttpReplies } from './http-replies.ts'
import { type Counts, HANG_MS, type Lane } from './lanes.ts'
import { mutateRequest } from './mutate-request.ts'
import { openRawHttp, type RawHttp, sendInPieces } from './raw-http.ts'
import { type Cast, encodeRequest, validRequest } from './requests.ts'
import type { Watch } from './watch.ts'

interface Script {
  readonly bytes: Buffer
  readonly requests: number
  readonly changed: number
  /** The server can tell where each of them ends, and has to answer each, or to say that it closes. */
  readonly whole: boolean
  /** What the client does when everything is sent. */
  readonly toHead?: boolean
  readonly ending: 'reads' | 'halfCloses' | 'resets'
}

const MOST_REQUESTS = 6
/** A server that closes while so much is under way to it throws its own answer away. */
const LARGE = 60_000

export function requestLane(name: string, server: ApiTarget, cast: Cast, watch: Watch): Lane {
  return {
    name,
    kind: 'requests',
    async play(random, counts) {
      const script = writeScript(random, cast)
      const replies = await exchangeBytes(script, random, server, watch)
      watch.checkSecrets(replies.text)
      count(script, replies, counts)
      for (const answer of replies.answers) {
        const fault = faultOfAnswer(answer) ?? faultOfLookup(answer.body, cast)
        if (fault !== undefined) throw new Error(fault)
      }
    },
    describe: (random) => JSON.stringify(writeScript(random, cast).bytes.toString('latin1')),
  }
}

function writeScript(random: SeededRandom, cast: Cast): Script {
  if (random.chance(0.03)) return headScript(random, cast)
  const parts: Buffer[] = []
  let changed = 0
  let whole = true
  for (let left = random.chance(0.6) ? 1 : random.between(2, MOST_REQUESTS); left > 0; left--) {
    const request = validRequest(random, cast)
    if (random.chance(0.3)) {
      parts.push(encodeRequest(request, random))
      continue
    }
    const mutated = mutateRequest(request, random, cast)
    parts.push(mutated.bytes)
    changed++
    whole &&= mutated.whole
  }
  const ending = random.pick(['reads', 'reads', 'reads', 'reads', 'reads', 'reads', 'halfCloses', 'resets'] as const)
  return { bytes: Buffer.concat(parts), requests: parts.length, changed, whole, ending }
}

/** HEAD alone, so that it is known which answers have no body. */
function headScript(random: SeededRandom, cast: Cast): Script {
  const request = { ...validRequest(random, cast), method: 'HEAD' }
  const bytes = encodeRequest(request, random)
  return { bytes, requests: 1, changed: 1, whole: true, ending: 'reads', toHead: true }
}

interface Received {
  readonly answers: HttpReplies['answers']
  readonly text: string
  readonly closedByServer: boolean
}

/** Throws when the server owes an answer, or said what is no HTTP. */
async function exchangeBytes(script: Script, random: SeededRandom, server: ApiTarget, watch: Watch): Promise<Received> {
  const replies = new HttpReplies(script)
  const chunks: Buffer[] = []
  let answered: () => void = () => undefined
  let failed: (reason: unknown) => void = () => undefined
  const enough = new Promise<'enough'>((resolve, reject) => {
    answered = () => resolve('enough')
    failed = reject
  })
  // It is awaited below, but perhaps not yet when it fails.
  enough.catch(() => undefined)
  const connection = await openRawHttp(server.httpPort, (chunk) => {
    try {
      chunks.push(chunk)
      replies.push(chunk)
      if (replies.answers.length >= script.requests) answered()
    } catch (error) {
      failed(error)
    }
  })
  const sent = sendInPieces(connection.socket, script.bytes, random)
  const ended = Promise.race([enough, untilEnded(script, connection, sent, watch)])
  const end = await within('an answer, or the close', ended, HANG_MS)
  const closedByServer = end === 'closed' && script.ending === 'reads'
  const large = script.bytes.length > LARGE && connection.wasReset
  if (closedByServer && script.whole && !large) checkClose(replies, script.requests)
  if (replies.answers.length > script.requests && script.whole) throw new Error(`${replies.answers.length} answers`)
  if (replies.upgraded) throw new Error('an upgrade that nobody asked for')
  connection.socket.destroy()
  await connection.closed
  return { answers: replies.answers, text: Buffer.concat(chunks).toString('latin1'), closedByServer }
}

/** Resolves when nothing more is to be expected. */
async function untilEnded(
  { whole, ending }: Script,
  { socket, closed }: RawHttp,
  sent: Promise<void>,
  watch: Watch,
): Promise<'closed'> {
  if (ending === 'reads' && whole) return closed
  if (ending === 'reads') await Promise.race([closed, sent.then(() => watch.roundTrips())])
  else await nextTurn()
  if (ending === 'resets') reset(socket)
  // Whatever it waits for will never come now.
  else socket.end()
  return closed
}

/** A server may close before it has answered everything, but only when its last answer says so. */
function checkClose({ answers, rest }: HttpReplies, requests: number): void {
  if (rest.length > 0) throw new Error(`closed within an answer: ${JSON.stringify(rest.toString('latin1', 0, 80))}`)
  if (answers.length >= requests) return
  const last = answers.at(-1)
  if (last === undefined) throw new Error('closed without an answer')
  if (!/\bclose\b/i.test(last.fields.get('connection') ?? ''))
    throw new Error(`closed after ${answers.length} of ${requests} answers, and the last does not say so`)
}

/** A device looks up what is its own: its private topic, and what its app broadcasts. */
function faultOfLookup(body: Buffer, { app, device }: Cast): string | undefined {
  if (!body.toString('latin1', 0, 12).startsWith('{"messages":')) return undefined
  for (const [, topic = ''] of body.toString().matchAll(/"topic":"([^"]*)"/g)) {
    if (topic !== device.topics.private && topic !== `${app}/1.0`) return `a lookup gave a message of ${topic}`
  }
  return undefined
}

function count({ bytes, requests, changed }: Script, { answers, closedByServer }: Received, counts: Counts): void {
  counts.inputs += requests
  counts.changed += changed
  counts.bytes += bytes.length
  counts.connections++
  if (closedByServer) counts.closedByServer++
  for (const { status } of answers) counts.answers.set(status, (counts.answers.get(status) ?? 0) + 1)
}
