// After restarts and kills, do sessions, packet ids and queues still belong to those they belonged to before?
import { t } from '../support/tap.ts'
import { barrier, connectDevice, connectProvider, send, startServerProcess } from '../support/index.ts'
import { ANN, getsItsOwn, join, type Person } from './support/people.ts'

const server = await startServerProcess(t)
const PEOPLE = 6
const ROUNDS = 2

await t.test('people with every protocol', async (t) => {
  const how = (index: number) => ({
    ...(index % 2 === 0
      ? ({ protocolVersion: 4 } as const)
      : { protocolVersion: 5 as const, properties: { sessionExpiryInterval: 3600 } }),
    clean: false,
    clientId: `client-${index}`,
  })
  const people: Person[] = []
  for (let index = 0; index < PEOPLE; index++) {
    const names = { ...ANN, device: `phone-${index}` }
    people.push(await join(t, server, names, how(index)))
  }
  const listener = await connectProvider(t, server, how(99))
  await listener.subscribe('chat/u/#')

  for (let round = 0; round < ROUNDS; round++) {
    // Some of it is under way and unacknowledged, some of it waits, when the server goes.
    await Promise.all(people.map(({ device }) => device.reset()))
    await listener.reset()
    const texts = people.map(({ issued }) => [1, 2, 3].map((count) => `${issued.tokenId} ${round}.${count}`))
    for (const [index, { issued }] of people.entries()) {
      for (const text of texts[index] ?? []) await send(server, { token: issued.tokenId }, text)
    }
    // The same client ids on the other side of each pair, so that what is kept by client id would show.
    const held = await Promise.all(
      people.map(({ issued }, index) => connectDevice(t, server, issued, { ...how(PEOPLE - index), manualAck: true })),
    )
    await Promise.all(held.map((device) => device.nextN(3)))
    await held[0]!.publish(`chat/u/${people[0]!.issued.tokenId}/x`, `upstream ${round}`)
    if (round % 2 === 0) await server.kill()
    else await server.stop()
    await server.restart()

    for (const [index, person] of people.entries()) {
      const device = await connectDevice(t, server, person.issued, how(index))
      t.equal(device.connack.sessionPresent, true, 'its session is there')
      t.same(
        (await device.nextN(3)).map(({ text }) => text),
        texts[index],
        'the messages of the token come back to it',
      )
      people[index] = { ...person, device }
    }
    const back = await connectProvider(t, server, how(99))
    t.equal((await back.next()).text, `upstream ${round}`)
    await back.end()
    for (const person of people) await getsItsOwn(t, server, person)
    for (const { device } of people) t.same(await barrier(server, device), [])
  }
  for (const { device } of people) await device.end()
})
