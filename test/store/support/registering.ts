/** On what condition a token id is registered: who holds a device, and what a renewal may not undo. */
import type { Test } from 'tap'
import type { DeviceHeld, RegisteredToken, Registering } from '../../../store/contract.ts'
import { DAY, HOUR, type MakeEngine, type Person, scenario, type World } from './world.ts'

const ANNA = { account: 'anna' }
const BERT = { account: 'bert' }

export async function registering(t: Test, makeEngine: MakeEngine): Promise<void> {
  await holding(t, makeEngine)
  await endsOfHolds(t, makeEngine)
  await renewing(t, makeEngine)
  await racing(t, makeEngine)
}

type Answer = Promise<RegisteredToken | DeviceHeld>

function free(world: World, person: Person, holder?: { tokenId: string; generation: number }): Answer {
  return world.store.registerToken(world.registration(person), { kind: 'free', holder })
}

function renew(world: World, person: Person, generation: number, ttl = 365 * DAY): Answer {
  const registering: Registering = { kind: 'renewal', generation }
  return world.store.registerToken(world.registration(person, undefined, ttl), registering)
}

const isHeld = (answer: RegisteredToken | DeviceHeld): answer is DeviceHeld => 'heldBy' in answer

async function holding(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'who holds a device gives it away by its own token alone', async (t, world) => {
    const details = { version: '1.0', tags: ['x'] }
    const { generation } = await world.register(ANNA, details)
    const anna = world.idOf(ANNA)
    const bert = world.idOf(BERT)
    const heldBy = { tokenId: anna, generation, details: { accountMark: '', epochs: [0, 0], ...details } }
    t.same(await free(world, BERT), { heldBy })
    for (const holder of [
      { tokenId: anna, generation: generation - 1 },
      { tokenId: anna, generation: generation + 1 },
      { tokenId: bert, generation },
      { tokenId: world.idOf({ ...ANNA, device: 'tablet' }), generation },
    ])
      t.same(await free(world, BERT, holder), { heldBy }, JSON.stringify(holder))
    t.equal(await world.store.lookupToken(bert), undefined, 'a refusal leaves nothing')
    t.match(await world.store.lookupToken(anna), { current: true, generation })
    t.match(await free(world, ANNA), { generation }, 'its own account is never refused')
    t.notOk(isHeld(await free(world, { ...BERT, device: 'tablet' })), 'another device is another matter')
    t.notOk(isHeld(await free(world, { ...BERT, app: 'chat' })), 'and so is another app')

    t.match(await free(world, BERT, { tokenId: anna, generation }), { switchedFrom: anna })
    t.match(await free(world, ANNA), { heldBy: { tokenId: bert } })
    t.match(await world.register(ANNA), { switchedFrom: bert, generation: generation + 1 }, 'a provider may')
    t.match(await free(world, BERT, { tokenId: anna, generation }), { heldBy: { generation: generation + 1 } })
  })
}

async function endsOfHolds(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'a hold ends with a revocation, and none of its tokens comes back',
    async (t, world) => {
      const { generation } = await world.register(ANNA)
      const anna = world.idOf(ANNA)
      await world.store.revokeToken(anna)
      t.match(await free(world, BERT), { switchedFrom: anna })
      t.match(await free(world, ANNA), { heldBy: { tokenId: world.idOf(BERT) } })
      await world.store.revokeToken(world.idOf(BERT), { generation: (await world.register(BERT)).generation })
      const back = await free(world, ANNA)
      if (isHeld(back)) throw new Error('nobody holds it')
      t.ok(back.generation > generation)
      await t.rejects(world.open(anna, generation), { code: 'TOKEN_REVOKED' })
      await t.rejects(renew(world, ANNA, generation), { code: 'TOKEN_REVOKED' })
      await world.open(anna, back.generation)
    },
  )

  await scenario(t, makeEngine, 'what was issued before later epochs stays refused', async (t, world) => {
    const anna = world.idOf(ANNA)
    const { generation } = await world.register(ANNA, { epochs: [5, 7] })
    for (const epochs of [
      [5, 7],
      [4, 7],
      [0, 0],
    ] as const)
      t.match(
        await world.register(ANNA, { epochs }),
        { generation },
        'the generation stays with these, or earlier ones',
      )
    t.match(await world.register(ANNA), { generation })
    const holder = { tokenId: anna, generation }
    const again = await world.register(ANNA, { epochs: [5, 8] })
    t.ok(again.generation > generation)
    await t.rejects(world.open(anna, generation), { code: 'TOKEN_REVOKED' })
    await t.rejects(renew(world, ANNA, generation), { code: 'TOKEN_REVOKED' })
    t.match(await free(world, BERT, holder), { heldBy: { tokenId: anna } }, 'and gives the device to nobody')
    const { generation: newest } = await world.register(ANNA, { epochs: [6, 0] })
    t.ok(newest > again.generation)
    await world.open(anna, newest)
    const renewed = await world.store.registerToken(world.registration(ANNA, { epochs: [6, 9] }), {
      kind: 'renewal',
      generation: newest,
    })
    t.match(renewed, { generation: newest }, 'a renewal changes none')
  })

  const hold = { deviceHoldMs: 40 * DAY }
  await scenario(
    t,
    makeEngine,
    'a hold ends some time after the newest token',
    async (t, world) => {
      const { generation } = await world.register(ANNA)
      const anna = world.idOf(ANNA)
      await world.store.registerToken(world.registration(ANNA, undefined, HOUR))
      world.pass(365 * DAY)
      t.ok(isHeld(await free(world, BERT)))
      world.pass(40 * DAY - 1)
      await world.store.sweep()
      t.ok(isHeld(await free(world, BERT)), 'it is known as long')
      world.pass(1)
      t.match(await free(world, BERT), { switchedFrom: anna })
      t.match(await world.store.lookupToken(anna), { current: false })
      const back = await world.register(ANNA)
      t.ok(back.generation > generation, 'held over')
      world.pass(365 * DAY + 40 * DAY)
      await world.store.sweep()
      t.equal(await world.store.lookupToken(anna), undefined)
    },
    hold,
  )

  await scenario(
    t,
    makeEngine,
    'without a time, a hold ends with the newest token',
    async (t, world) => {
      await world.register(ANNA)
      world.pass(365 * DAY - 1)
      t.ok(isHeld(await free(world, BERT)))
      world.pass(1)
      t.notOk(isHeld(await free(world, BERT)))
      t.match(await world.store.lookupToken(world.idOf(ANNA)), { current: false }, 'it is still known')
    },
    { deviceHoldMs: 0 },
  )
}

async function renewing(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'a renewal changes the expiry and what it names, and nothing else',
    async (t, world) => {
      const details = { version: '1.0', tags: ['x'], epochs: [3, 4] as const }
      const { generation } = await world.register(ANNA, details)
      const before = await world.store.lookupToken(world.idOf(ANNA))
      world.pass(DAY)
      const registration = world.registration(ANNA, { version: '1.1' })
      const renewed = await world.store.registerToken(registration, { kind: 'renewal', generation })
      const now = { accountMark: '', ...details, version: '1.1' }
      t.same(renewed, { generation, details: now })
      const after = { ...before, details: now, lastSeen: world.now, expiresAt: world.now + 365 * DAY }
      t.same(await world.store.lookupToken(world.idOf(ANNA)), after)
      t.match(await renew(world, ANNA, generation, HOUR), { generation })
      t.match(await world.store.lookupToken(world.idOf(ANNA)), { expiresAt: after.expiresAt }, 'it only grows')
    },
  )

  await scenario(t, makeEngine, 'a renewal of what is not honoured is refused', async (t, world) => {
    await t.rejects(renew(world, ANNA, 1), { code: 'TOKEN_UNKNOWN' })
    t.equal(await world.store.lookupToken(world.idOf(ANNA)), undefined)
    const first = await world.register(ANNA)
    const registration = { ...world.registration(ANNA), app: 'other' }
    const registering = { kind: 'renewal', generation: first.generation } as const
    await t.rejects(world.store.registerToken(registration, registering), { code: 'TOKEN_UNKNOWN' })
    await t.rejects(renew(world, ANNA, first.generation - 1), { code: 'TOKEN_REVOKED' })
    await world.register(BERT)
    await t.rejects(renew(world, ANNA, first.generation), { code: 'TOKEN_SUPERSEDED' })
    t.match(await world.store.lookupToken(world.idOf(BERT)), { current: true })
    const second = await world.register(ANNA)
    await t.rejects(renew(world, ANNA, first.generation), { code: 'TOKEN_REVOKED' }, 'of before the switch')
    await world.store.revokeToken(world.idOf(ANNA))
    await t.rejects(renew(world, ANNA, second.generation), { code: 'TOKEN_REVOKED' })
    t.match(await world.store.lookupToken(world.idOf(ANNA)), { revoked: true })
  })
}

async function racing(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(
    t,
    makeEngine,
    'a renewal that races with a revocation or a switch undoes neither',
    async (t, world) => {
      const other = await world.otherNode()
      const race = async (at: number, rival: (person: Person) => Promise<unknown>, refusal: string): Promise<void> => {
        const person = { ...ANNA, device: `${refusal} ${at}` }
        const { generation } = await world.register(person)
        const outcome = (): Promise<string> =>
          renew(world, person, generation).then(
            () => 'renewed',
            (error: { code: string }) => error.code,
          )
        const calls = [outcome, () => rival(person)]
        await Promise.all((at % 2 === 0 ? calls : calls.toReversed()).map((call) => call()))
        t.equal(await outcome(), refusal)
        await t.rejects(world.open(world.idOf(person), generation), { code: refusal })
      }
      const revoke = (person: Person): Promise<unknown> => other.revokeToken(world.idOf(person))
      const take = (person: Person): Promise<unknown> => other.registerToken(world.registration({ ...person, ...BERT }))
      const rounds = Array.from({ length: 40 }, (_, at) => at)
      await Promise.all(rounds.map((at) => race(at, revoke, 'TOKEN_REVOKED')))
      await Promise.all(rounds.map((at) => race(at, take, 'TOKEN_SUPERSEDED')))
    },
  )

  await scenario(t, makeEngine, 'of accounts that register a device at one time, one has it', async (t, world) => {
    const nodes = [world.store, await world.otherNode()]
    const accounts = Array.from({ length: 8 }, (_, number) => `account ${number}`)
    for (const device of ['a', 'b', 'c', 'd', 'e']) {
      const answers = await Promise.all(
        accounts.map((account, at) =>
          nodes[at % 2]!.registerToken(world.registration({ device, account }), { kind: 'free' }),
        ),
      )
      t.equal(answers.filter((answer) => !isHeld(answer)).length, 1)
      const winner = accounts[answers.findIndex((answer) => !isHeld(answer))] ?? ''
      const holder = world.idOf({ device, account: winner })
      for (const answer of answers) if (isHeld(answer)) t.equal(answer.heldBy.tokenId, holder)
      t.same(await currentOf(world, device, accounts), [winner])
    }
    for (const device of ['f', 'g', 'h', 'i', 'j']) {
      await Promise.all(
        accounts.map((account, at) => nodes[at % 2]!.registerToken(world.registration({ device, account }))),
      )
      t.equal((await currentOf(world, device, accounts)).length, 1, 'who takes it over was the last')
    }
  })
}

async function currentOf(world: World, device: string, accounts: readonly string[]): Promise<string[]> {
  const records = await Promise.all(accounts.map((account) => world.store.lookupToken(world.idOf({ device, account }))))
  return accounts.filter((_, at) => records[at]?.current === true)
}
