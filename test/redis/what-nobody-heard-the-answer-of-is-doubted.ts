// A call is given up, and done after all: is it said that nobody heard what it did?
import { t } from '../support/tap.ts'
import { Lanes } from '../../store/redis/lanes.ts'
import { Packer } from '../../store/redis/pack.ts'
import * as steps from '../../store/redis/steps.ts'
import { UNAVAILABLE } from './support/people.ts'

/** `answer` is what the script answers to the one step that is under way. */
function lanesOf(answer: () => Promise<Buffer>) {
  const state = { unheard: 0 }
  const lanes = new Lanes({
    script: { run: answer },
    journalOf: () => 'journal',
    connections: () => 1,
    life: () => undefined,
    tallied: () => undefined,
    unheard: () => void (state.unheard += 1),
    process: ['process'],
    now: Date.now,
    deadlineMs: 20,
    waitingSteps: 1_000,
    waitingBytes: 1e6,
  })
  lanes.open()
  return { lanes, state }
}

function packed(...answers: readonly (string | readonly boolean[] | number)[]): Buffer {
  const packer = new Packer()
  packer.array(answers.length)
  for (const each of answers) {
    if (typeof each === 'object') {
      packer.array(each.length)
      for (const value of each) packer.value(value)
    } else packer.value(each)
  }
  return packer.finish()
}

const LIFE = 1
// Nothing else is under way while a call waits.
const alive = setInterval(() => undefined, 1_000)
t.teardown(() => clearInterval(alive))
const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

for (const { name, kind, unheard } of [
  { name: 'that changes something', kind: steps.CLOSE, unheard: 1 },
  { name: 'that reads', kind: steps.READ, unheard: 0 },
]) {
  await t.test(`a step ${name}, and that is answered after it was given up`, async (t) => {
    let answer: (reply: Buffer) => void = () => undefined
    const { lanes, state } = lanesOf(() => new Promise((resolve) => (answer = resolve)))
    await t.rejects(lanes.run(kind, 'base'), UNAVAILABLE)
    t.equal(state.unheard, 0, 'not yet: it is looked at what was done, not at what is not')
    answer(packed([true], LIFE))
    await nextTurn()
    t.equal(state.unheard, unheard)
    await lanes.close()
  })
}

await t.test('a step that is answered, and one that is refused', async (t) => {
  const answers = [packed([true], LIFE), packed('TOKEN_UNKNOWN', LIFE)]
  const { lanes, state } = lanesOf(async () => answers.shift() ?? Buffer.alloc(0))
  await lanes.run(steps.CLOSE, 'base')
  await t.rejects(lanes.run(steps.CLOSE, 'base'), { code: 'TOKEN_UNKNOWN' })
  t.equal(state.unheard, 0)
  await lanes.close()
})

await t.test('a step whose connection is lost, until nobody waits for it', async (t) => {
  const { lanes, state } = lanesOf(() => Promise.reject(new Error('Connection is closed.')))
  await t.rejects(lanes.run(steps.CLOSE, 'base'), UNAVAILABLE)
  while (state.unheard === 0) await nextTurn()
  t.equal(state.unheard, 1, 'it may have been done')
  await lanes.close()
})
