/** Readers that several members share. */
import type { Test } from 'tap'
import type { LogSlice, UpstreamEntry } from '../../../store/contract.ts'
import { openReader, publish, publisher } from './upstream.ts'
import { APP, EVERYTHING, HOUR, type MakeEngine, scenario, text, type World } from './world.ts'

const GROUP = 'group'

class Member {
  readonly #world: World
  readonly part: number
  readonly name: string

  constructor(world: World, part: number, name: string) {
    this.#world = world
    this.part = part
    this.name = name
  }

  get #of(): { app: string; reader: string; part: number; member: string } {
    return { app: APP, reader: GROUP, part: this.part, member: this.name }
  }

  claim(entries: number, until = this.#world.now + HOUR): Promise<LogSlice<UpstreamEntry>> {
    return this.#world.store.claimUpstream({ ...this.#of, until, limit: { entries, bytes: Infinity } })
  }

  /** After a claim whose answer it did not get. */
  claimAgain(entries: number, had: readonly number[]): Promise<LogSlice<UpstreamEntry>> {
    const until = this.#world.now + HOUR
    return this.#world.store.claimUpstream({ ...this.#of, until, limit: { entries, bytes: Infinity }, had })
  }

  settle(...offsets: number[]): Promise<readonly number[]> {
    return this.#world.store.settleUpstream(this.#of, offsets)
  }

  renew(until: number): Promise<void> {
    return this.#world.store.renewClaims({ ...this.#of, until })
  }

  release(): Promise<void> {
    return this.#world.store.releaseClaims(this.#of)
  }
}

function texts(slice: LogSlice<UpstreamEntry>): string[] {
  return slice.entries.map(text)
}

export async function upstreamGroups(t: Test, makeEngine: MakeEngine): Promise<void> {
  async function group(
    name: string,
    run: (t: Test, world: World, ann: Member, bob: Member, offsets: number[]) => Promise<void>,
  ) {
    await scenario(t, makeEngine, name, async (t, world) => {
      const phone = await publisher(world)
      await openReader(world, GROUP)
      const offsets: number[] = []
      for (const payload of ['1', '2', '3', '4', '5', '6']) offsets.push((await publish(world, phone, payload)).offset)
      const part = world.store.upstreamPart(phone.tokenId)
      await run(t, world, new Member(world, part, 'ann'), new Member(world, part, 'bob'), offsets)
    })
  }

  await group('what one has claimed goes to no other', async (t, _, ann, bob) => {
    t.same(texts(await ann.claim(2)), ['1', '2'])
    t.same(texts(await bob.claim(3)), ['3', '4', '5'])
    t.same(texts(await ann.claim(9)), ['6'])
    t.same(texts(await bob.claim(9)), [])
  })

  await group('claims fall back to all when they are released, or at their time', async (t, world, ann, bob) => {
    await ann.claim(2)
    await bob.claim(2, world.now + 2 * HOUR)
    await ann.release()
    t.same(texts(await bob.claim(1)), ['1'], 'the first that is free')
    world.pass(HOUR)
    t.same(texts(await ann.claim(2)), ['1', '2'], 'its time had come')
    world.pass(HOUR)
    t.same(texts(await ann.claim(9)), ['1', '2', '3', '4', '5', '6'], 'also of its own')
  })

  await group('what a member has claimed and does not know of is free again', async (t, _, ann, bob, offsets) => {
    const [first = 0, second = 0] = offsets
    t.same(texts(await ann.claim(4)), ['1', '2', '3', '4'])
    t.same(texts(await bob.claim(1)), ['5'])
    t.same(texts(await ann.claimAgain(1, [first, second])), ['3'])
    t.same(texts(await bob.claimAgain(9, [])), ['4', '5', '6'], 'of whoever claims; what others have is theirs')
    await ann.settle(first, second)
    t.same(texts(await ann.claim(9)), [])
  })

  await group('claims last longer when they are renewed', async (t, world, ann, bob) => {
    await ann.claim(2)
    await bob.claim(2)
    world.pass(HOUR - 1)
    await ann.renew(world.now + HOUR)
    world.pass(1)
    t.same(texts(await ann.claim(9)), ['3', '4', '5', '6'], 'those of the other are free, its own are not given again')
    world.pass(HOUR - 1)
    t.same(texts(await bob.claim(9)), ['1', '2'])
  })

  await group('the cursor passes what is settled', async (t, world, ann, bob, offsets) => {
    const [first = 0, second = 0, third = 0, fourth = 0] = offsets
    const cursor = async (): Promise<number> => {
      const parts = await openReader(world, GROUP)
      return parts[ann.part]?.cursor ?? 0
    }
    await ann.claim(2)
    await bob.claim(2)
    await bob.settle(third, fourth)
    t.ok((await cursor()) < first, 'not what comes after it')
    await ann.settle(first)
    t.equal(await cursor(), first)
    t.same(await bob.settle(second, third), [third])
    t.equal(await cursor(), first, 'only who has claimed it settles it')
    await ann.settle(second, 0, 99)
    t.equal(await cursor(), fourth)
    t.same(texts(await ann.claim(9)), ['5', '6'])
  })

  await group('what was settled is not given out again, after a restart either', async (t, world, ann, _, offsets) => {
    await ann.claim(4)
    await ann.settle(offsets[1] ?? 0, offsets[2] ?? 0)
    await ann.release()
    await world.reopen()
    t.same(texts(await ann.claim(9, world.now + 2 * HOUR)), ['1', '4', '5', '6'])
  })

  await group('a group that is closed keeps nothing', async (t, world, ann, _, offsets) => {
    await ann.claim(2)
    await ann.settle(offsets[1] ?? 0)
    await world.store.closeReader(APP, GROUP)
    await ann.settle(offsets[0] ?? 0)
    t.same(texts(await ann.claim(9)), [])
    for (let part = 0; part < world.store.upstreamParts; part += 1) {
      const { entries } = await world.store.readUpstream(APP, part, 0, EVERYTHING)
      if (entries.length > 0) t.fail(`part ${part} keeps ${entries.length}`)
    }
    await openReader(world, GROUP)
    t.same(texts(await ann.claim(9)), [], 'it begins at the end')
  })

  await group('what has expired is passed', async (t, world, ann, _, offsets) => {
    await ann.claim(3)
    await ann.settle(offsets[0] ?? 0, offsets[2] ?? 0)
    world.pass(7 * 24 * HOUR)
    t.same(texts(await ann.claim(9)), [])
    await world.store.sweep()
    t.same(texts(await ann.claim(9)), [])
    t.ok(world.counted.upstream.expired >= 4, 'what was settled may count as expired, what was passed not')
  })
}
