/** What a watcher hears. Wakes are hints, so only what must come is awaited; what must not come is looked for after it. */
import type { Test } from 'tap'
import type { BroadcastEntry, Cursors, LogEntry, SessionEnd, Watcher } from '../../../store/contract.ts'
import { ArrivalQueue } from '../../support/waiting.ts'
import { ALL, APP, type MakeEngine, scenario, text, type World } from './world.ts'

type Heard =
  | { what: 'private'; tokenId: string; offset: number; entry: LogEntry | undefined }
  | { what: 'broadcast'; app: string; offset: number; entry: BroadcastEntry | undefined }
  | { what: 'ended'; tokenId: string; epoch: number; reason: SessionEnd }
  | { what: 'moved'; tokenId: string; cursors: Cursors }

class Ear implements Watcher {
  readonly heard = new ArrivalQueue<Heard>('a wake')

  privateAppended(tokenId: string, offset: number, entry?: LogEntry): void {
    this.heard.push({ what: 'private', tokenId, offset, entry })
  }

  broadcastAppended(app: string, offset: number, entry?: BroadcastEntry): void {
    this.heard.push({ what: 'broadcast', app, offset, entry })
  }

  sessionEnded(tokenId: string, epoch: number, reason: SessionEnd): void {
    this.heard.push({ what: 'ended', tokenId, epoch, reason })
  }

  cursorsLost(): void {}

  cursorMoved(tokenId: string, cursors: Cursors): void {
    this.heard.push({ what: 'moved', tokenId, cursors })
  }

  resync(): void {}

  all(what: Heard['what']): Heard[] {
    return this.heard.received.filter((heard) => heard.what === what)
  }
}

function listen(world: World): Ear {
  const ear = new Ear()
  world.store.watch(ear)
  return ear
}

export async function wakes(t: Test, makeEngine: MakeEngine): Promise<void> {
  await appends(t, makeEngine)
  await ends(t, makeEngine)

  await scenario(t, makeEngine, 'an acknowledgement over HTTP is told to the session', async (t, world) => {
    const { generation } = await world.register()
    const token = world.idOf()
    const { epoch } = await world.open(token, generation)
    const sent = [await world.send(token), await world.send(token), await world.send(token)] as const
    const ear = listen(world)
    await world.store.commit([{ tokenId: token, epoch, private: sent[0].offset }])
    await world.store.commit([{ tokenId: token, private: sent[2].offset }])
    const moved = await ear.heard.nextWhere(({ what }) => what === 'moved')
    t.same(moved, { what: 'moved', tokenId: token, cursors: { private: sent[2].offset, broadcast: 0 } })
    t.equal(ear.all('moved').length, 1, 'its own acknowledgements are not')
  })
}

async function appends(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'an append wakes the session, after it can be read', async (t, world) => {
    const { generation } = await world.register()
    const token = world.idOf()
    await world.open(token, generation)
    const ear = listen(world)
    const [one, two] = await Promise.all([
      world.send(token, { payload: 'one', id: 'a', dedupe: true }),
      world.send(token, { payload: 'two' }),
    ])
    for (const [sent, payload] of [
      [one, 'one'],
      [two, 'two'],
    ] as const) {
      const heard = await ear.heard.nextWhere(({ what }) => what === 'private')
      t.match(heard, { tokenId: token, offset: sent.offset })
      if (heard.what === 'private' && heard.entry) t.equal(text(heard.entry), payload)
    }
    t.same(await world.texts(token), ['one', 'two'])
    await world.send(token, { payload: 'one', id: 'a', dedupe: true })
    const three = await world.send(token, { payload: 'three' })
    const next = await ear.heard.nextWhere(({ what }) => what === 'private')
    t.match(next, { offset: three.offset }, 'a duplicate wakes nobody')
  })

  await scenario(t, makeEngine, 'who follows is woken without a session', async (t, world) => {
    const token = await world.token()
    const ear = listen(world)
    const stop = await world.store.follow(token)
    const { offset } = await world.send(token)
    t.match(await ear.heard.next(), { what: 'private', tokenId: token, offset })
    stop()
  })

  await scenario(t, makeEngine, 'a broadcast wakes everybody who watches', async (t, world) => {
    const ears = [listen(world), listen(world)]
    const deaf = new Ear()
    world.store.watch(deaf)()
    const { offset } = await world.broadcast(ALL, { payload: 'one' })
    for (const ear of ears) {
      const heard = await ear.heard.nextWhere(({ what }) => what === 'broadcast')
      t.match(heard, { app: APP, offset })
      if (heard.what === 'broadcast' && heard.entry) {
        t.equal(text(heard.entry), 'one')
        t.same(heard.entry.selector, ALL)
      }
    }
    t.same(deaf.heard.received, [], 'who has stopped hears nothing')
  })
}

async function ends(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'a session hears that it was taken over', async (t, world) => {
    const { generation } = await world.register()
    const token = world.idOf()
    const ear = listen(world)
    const { epoch } = await world.open(token, generation)
    await world.open(token, generation)
    const ended = await ear.heard.nextWhere(({ what }) => what === 'ended')
    t.match(ended, { tokenId: token, reason: 'SESSION_TAKEN_OVER' })
    t.ok(ended.what === 'ended' && ended.epoch >= epoch)
  })

  await scenario(t, makeEngine, 'a session hears that its token id was revoked', async (t, world) => {
    const { generation } = await world.register()
    const token = world.idOf()
    const ear = listen(world)
    const { epoch } = await world.open(token, generation)
    await world.store.revokeToken(token)
    const ended = await ear.heard.nextWhere(({ what }) => what === 'ended')
    t.match(ended, { tokenId: token, reason: 'TOKEN_REVOKED' })
    t.ok(ended.what === 'ended' && ended.epoch >= epoch)
  })

  await scenario(t, makeEngine, 'a session hears that another account took its place', async (t, world) => {
    const { generation } = await world.register()
    const token = world.idOf()
    const ear = listen(world)
    const { epoch } = await world.open(token, generation)
    const other = await world.register({ device: 'tablet' })
    await world.open(world.idOf({ device: 'tablet' }), other.generation)
    await world.register({ account: 'bert' })
    const ended = await ear.heard.nextWhere(({ what }) => what === 'ended')
    t.match(ended, { tokenId: token, reason: 'TOKEN_SUPERSEDED' })
    t.ok(ended.what === 'ended' && ended.epoch >= epoch)
    t.equal(ear.all('ended').length, 1)
  })
}
