// Does a program that closes push come back, although a part of it never ends?
import { t } from '../support/tap.ts'
import { connectRaw, within } from '../support/index.ts'
import { embed } from './support/embed.ts'

await t.test('users that never answer', async (t) => {
  let asked: () => void = () => undefined
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  const users = {
    authenticate() {
      asked()
      return new Promise<undefined>(() => undefined)
    },
  }
  const { push, mqttPort } = await embed(t, { users })
  const raw = await connectRaw(t, mqttPort)
  raw.send({ cmd: 'connect', clientId: 'x', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 })
  await isAsked
  await within('the end', push.close())
  await raw.closed
  t.pass('it ended')
})
