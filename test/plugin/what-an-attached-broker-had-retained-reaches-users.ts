// Does a user get what the persistence of the embedder's Aedes had retained before push came, and what came after it?
import { Aedes, type AedesPublishPacket } from 'aedes'
import { t } from '../support/tap.ts'
import { connect, temporaryFolder } from '../support/index.ts'
import { createPush } from '../../index.ts'
import { JOE, serve, usersWithJoe } from './support/embed.ts'

/** Of a persistence, what retains. */
class Retaining {
  readonly #packets = new Map<string, AedesPublishPacket>()

  async setup(): Promise<void> {}

  async storeRetained(packet: AedesPublishPacket): Promise<void> {
    this.#packets.set(packet.topic, packet)
  }

  async subscriptionsByTopic(): Promise<readonly never[]> {
    return []
  }

  async outgoingEnqueueCombi(): Promise<void> {}

  async *createRetainedStreamCombi(): AsyncIterable<AedesPublishPacket> {
    yield* this.#packets.values()
  }
}

await t.test('before and after', async (t) => {
  const persistence = new Retaining()
  const broker = await Aedes.createBroker({ persistence })
  const publish = (topic: string, payload: string) =>
    new Promise<void>((resolve) =>
      broker.publish({ cmd: 'publish', topic, payload, qos: 1, dup: false, retain: true }, () => resolve()),
    )
  await publish('a/before', 'before')
  await publish('a/both', 'before')
  const push = await createPush({ providers: [], users: usersWithJoe(), dataDir: temporaryFolder(t, 'attached') })
  push.attach(broker, persistence)
  const served = await serve(push)
  t.teardown(async () => {
    await served.close()
    await new Promise<void>((resolve) => broker.close(resolve))
  })
  const joe = await connect(t, served, JOE)
  await publish('a/both', 'after')
  await joe.publish('a/joe', 'by joe', { qos: 1, retain: true })
  const user = await connect(t, served, JOE, { clientId: 'user' })
  await user.subscribe('a/#')
  const got = (await user.nextN(3)).map(({ topic, text, retain }) => `${topic} ${text} ${retain}`)
  t.same(got.sort(), ['a/before before true', 'a/both after true', 'a/joe by joe true'])
})
