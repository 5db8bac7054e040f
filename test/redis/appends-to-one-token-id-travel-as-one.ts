// Do appends to one token id that wait together become one step of a batch, and stay on their side of other steps?
import { t } from '../support/tap.ts'
import { encodeEntry } from '../../store/redis/entry.ts'
import type { Batch } from '../../store/redis/batch-script.ts'
import { Lanes, type Result } from '../../store/redis/lanes.ts'
import { type Packed, Packer, type Packable, unpack } from '../../store/redis/pack.ts'
import * as steps from '../../store/redis/steps.ts'
import { locate } from '../../store/redis/token.ts'
import { idOf, message } from './support/people.ts'

/** Answers each step as the script would; keeps the steps. */
function script(answers: readonly (Packable | readonly Packable[])[]) {
  const batches: (readonly Packed[])[] = []
  const answering = {
    run: async (batch: Batch): Promise<Buffer> => {
      const [, ...sent] = unpack(batch.steps) as readonly (readonly Packed[])[]
      batches.push(sent)
      const packer = new Packer()
      packer.array(answers.length + 1)
      for (const answer of answers) {
        if (typeof answer === 'object' && !(answer instanceof Uint8Array)) {
          packer.array(answer.length)
          for (const value of answer) packer.value(value)
        } else packer.value(answer)
      }
      // Which data it met.
      packer.value(1)
      return packer.finish()
    },
  }
  const lanes = new Lanes({
    script: answering,
    journalOf: () => 'journal',
    connections: () => 1,
    life: () => undefined,
    tallied: () => undefined,
    process: ['process'],
    now: Date.now,
    deadlineMs: 2_000,
    waitingSteps: 1_000,
    waitingBytes: 1e6,
  })
  return { lanes, batches }
}

const one = locate('push', idOf('phone'))
const two = locate('push', idOf('tablet'))
const entry = (name: string): Buffer => encodeEntry({ ...message(name), storedAt: 1, expiresAt: 2 })
const sentOf = (step: Packed | undefined): readonly unknown[] =>
  (step as readonly Packed[]).map((value) => (value instanceof Buffer ? value.toString('latin1') : value))

await t.test('what waits together', async (t) => {
  const { lanes, batches } = script([
    [true, 7],
    [false, 3],
    [false, true, 7, 0],
    [false, 9],
  ])
  const append = (at: typeof one, name: string, id: string | false): Promise<Result> =>
    lanes.run(steps.APPEND, at.base, at.id, 'weather', false, entry(name), id)
  const results = await Promise.all([
    append(one, 'a', false),
    append(two, 'b', false),
    append(one, 'c', 'id'),
    lanes.run(steps.COMMIT, one.base, one.id, 1, 7, 0),
    append(one, 'd', false),
  ])
  t.same(results, [
    [7, false, 0, 0, true],
    [3, false, 0, 0, false],
    [8, false, 0, 0, true],
    [false, true, 7, 0],
    [9, false, 0, 0, false],
  ])
  t.equal(batches.length, 1)
  const [first, second, commit, last] = batches[0] ?? []
  const text = (name: string): string => entry(name).toString('latin1')
  const id = one.id.toString('latin1')
  t.same(sentOf(first), ['append', one.base, id, 'weather', false, text('a'), false, text('c'), 'id'])
  t.same(sentOf(second).slice(5), [text('b'), false])
  t.same(sentOf(commit).slice(0, 3), ['commit', one.base, id])
  t.same(sentOf(last).slice(5), [text('d'), false], 'what was asked for after the commit stays after it')
})

await t.test('a refusal is for all of them, and on another condition it is another step', async (t) => {
  const { lanes, batches } = script(['TOKEN_UNKNOWN', [false, 1], [false, 2]])
  const append = (app: string, onlyCurrent = false): Promise<Result> =>
    lanes.run(steps.APPEND, one.base, one.id, app, onlyCurrent, entry('a'), false)
  const refused = [append('other'), append('other')]
  const taken = [append('weather'), append('weather', true)]
  for (const each of refused) await t.rejects(each, { code: 'TOKEN_UNKNOWN' })
  t.same(await Promise.all(taken), [
    [1, false, 0, 0, false],
    [2, false, 0, 0, false],
  ])
  t.equal(batches[0]?.length, 3)
})
