// What becomes of log lines when standard error takes none, takes them slowly, or breaks: does anybody wait, are lines mixed?
import { t } from '../support/tap.ts'
import { auditTo } from '../../common/audit.ts'
import { createLogger, LogDestination, type LogWriter } from '../../server/logs.ts'
import { eventually } from '../support/waiting.ts'

/** A standard error that does what the test says, and holds what was written. */
function fakeError() {
  const written: string[] = []
  const state: { broken: string | undefined; waiting: (() => void)[]; hold: boolean; room: number } = {
    broken: undefined,
    waiting: [],
    hold: false,
    room: Number.POSITIVE_INFINITY,
  }
  const take = (bytes: Buffer): number => {
    if (state.broken !== undefined) throw Object.assign(new Error(state.broken), { code: state.broken })
    const count = Math.min(bytes.byteLength, state.room)
    written.push(bytes.subarray(0, count).toString())
    return count
  }
  const writer: LogWriter = {
    writeSync: take,
    write(bytes, done) {
      const run = () => {
        try {
          done(null, take(bytes))
        } catch (error) {
          done(error as NodeJS.ErrnoException, 0)
        }
      }
      if (state.hold) state.waiting.push(run)
      else setImmediate(run)
    },
  }
  return { writer, state, text: () => written.join(''), writes: written }
}

t.test('lines come in order, whole, and not more than a pipe takes at once', async (t) => {
  const { writer, state, text, writes } = fakeError()
  state.hold = true
  const destination = new LogDestination(writer, 1_000_000)
  const lines = Array.from({ length: 200 }, (_, number) => `${number} ${'x'.repeat(number)}\n`)
  for (const line of lines) destination.write(line)
  destination.write(`${'y'.repeat(10_000)}\n`)
  state.hold = false
  for (const run of state.waiting.splice(0)) run()
  await destination.flush(10_000)
  t.equal(text(), `${lines.join('')}${'y'.repeat(10_000)}\n`)
  t.ok(
    writes.every((each) => each.endsWith('\n')),
    'whole lines',
  )
  t.ok(
    writes.slice(0, -1).every((each) => each.length <= 4096),
    'which no other process comes between',
  )
})

t.test('a reader that takes nothing costs memory up to the limit, and lines beyond it', async (t) => {
  const { writer, state, text } = fakeError()
  state.hold = true
  const destination = new LogDestination(writer, 1000)
  for (let number = 0; number < 50; number++) destination.write(`${'x'.repeat(99)}\n`)
  let lost = 0
  const recovered: number[] = []
  destination.watch({ lost: (lines) => (lost += lines), recovered: (lines) => recovered.push(lines) })
  t.equal(lost, 39, 'also those from before anybody counted')
  destination.write(`${'x'.repeat(99)}\n`)
  t.equal(lost, 40)
  state.hold = false
  for (const run of state.waiting.splice(0)) run()
  await destination.flush(10_000)
  t.equal(text().length, 11 * 100, 'the oldest are kept')
  t.same(recovered, [40], 'it is said once')
})

t.test('a disk that is full throws nothing, and gets the lines when it has room', async (t) => {
  const { writer, state, text } = fakeError()
  state.broken = 'ENOSPC'
  const destination = new LogDestination(writer, 1000)
  destination.write('one\n')
  await destination.flush(10)
  destination.write('two\n')
  destination.flushNow()
  t.equal(text(), '')
  state.broken = undefined
  state.room = 3
  destination.flushNow()
  t.equal(text(), 'one\ntwo\n', 'in pieces, at the very end too')
})

t.test('what is full only now is tried again by itself', async (t) => {
  const { writer, state, text } = fakeError()
  state.broken = 'EAGAIN'
  const destination = new LogDestination(writer, 1000)
  destination.write('one\n')
  await destination.flush(5)
  state.broken = undefined
  t.ok(await eventually('the line', () => text() === 'one\n'))
})

t.test('what strangers cause is bounded in a minute, and counted', async (t) => {
  const { writer, text } = fakeError()
  const destination = new LogDestination(writer, 1_000_000)
  let now = 0
  const logger = createLogger({ level: 'debug', linesPerMinute: 3, now: () => now }, destination)
  const child = logger.child({ of: 'a part' })
  for (let count = 0; count < 10; count++) {
    logger.info({ count }, 'CONNECT refused')
    child.error('another')
    logger.debug('for who looks for something')
    logger.fatal('the last')
    auditTo(child)({ action: 'key.created', by: 'provider a', id: `${count}` })
  }
  now += 61_000
  logger.info('CONNECT refused')
  await destination.flush(10_000)
  const lines = text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; repeated?: string; lines?: number })
  const count = (message: string) => lines.filter(({ msg }) => msg === message).length
  t.equal(count('CONNECT refused'), 4)
  t.equal(count('another'), 3)
  t.equal(count('for who looks for something'), 10)
  t.equal(count('the last'), 10)
  t.equal(count('audit'), 10, 'those are not of strangers')
  t.same(
    lines.filter(({ repeated }) => repeated !== undefined).map(({ repeated, lines: left }) => [repeated, left]),
    [
      ['CONNECT refused', 7],
      ['another', 7],
    ],
  )
})
