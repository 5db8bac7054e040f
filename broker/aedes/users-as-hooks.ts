/** Users as hooks of the Aedes that serves them, until they are sessions of ours. */
import type { AedesOptions, Client } from 'aedes'
import { PushError } from '../../errors.ts'
import { returnCodeOf } from '../gate/refusals.ts'
import type { User } from '../session/general.ts'
import type { Users } from '../session/users.ts'

export function usersAsHooks(users: Users): AedesOptions {
  const known = new WeakMap<Client, User>()
  return {
    authenticate(client, username, password, done) {
      const address: unknown = 'remoteAddress' in client.conn ? client.conn.remoteAddress : ''
      const gone = new AbortController()
      client.conn.once('close', () => gone.abort())
      const refused = (returnCode: number) => done(Object.assign(new Error('refused'), { returnCode }), false)
      users
        .authenticate({
          username: username ?? '',
          password,
          clientId: client.id,
          address: String(address),
          signal: gone.signal,
        })
        .then(
          (user) => {
            if (user === undefined) return refused(5)
            known.set(client, user)
            if (users.sessionsByClientId !== true)
              Object.assign(client, { id: `${encodeURIComponent(user.name)}/${client.id}` })
            return done(null, true)
          },
          (error: unknown) => refused(error instanceof PushError ? returnCodeOf(error) : 3),
        )
    },
    authorizePublish(client, { topic, qos, retain }, done) {
      const may = client === null ? true : known.get(client)?.mayPublish(topic, { qos, retain })
      Promise.resolve(may).then((is) => done(is === true ? null : new PushError('TOPIC_FORBIDDEN')), done)
    },
    authorizeSubscribe(client, subscription, done) {
      const granted = known.get(client)?.maySubscribe(subscription.topic, subscription.qos)
      Promise.resolve(granted).then(
        (qos) => done(null, qos === undefined ? null : { ...subscription, qos }),
        (error: Error) => done(error),
      )
    },
    authorizeForward(client, packet) {
      return known.get(client)?.mayReceive?.(packet.topic) === false ? null : packet
    },
  }
}
