/** Who meets a fault: each principal with somebody who sends to it, and somebody who hears what it publishes. */
import { bob, issueToken, send, type Scope, type Server } from '../../support/index.ts'
import { Member } from './member.ts'

export interface Participant {
  /** The one that the cell is about. */
  readonly member: Member
  /** Has the others of the cell connected. */
  others(): Promise<void>
  /** Sends to the member; resolves when it is acknowledged. */
  send(text: string): Promise<void>
  /** Publishes as the member. */
  publish(text: string): Promise<void>
  /** What the member published, as it arrived. */
  heard(): string[]
  /** Gets again what the store has forgotten. */
  renew(): Promise<void>
}

/** With general topics of its own: `to/<cell>` is for the member, `of/<cell>` for the other. */
export interface UserParticipant extends Participant {
  readonly cell: string
  readonly other: Member
}

export interface Principal<P extends Participant = Participant> {
  readonly name: 'device' | 'provider' | 'user'
  /** `cell` is a name of its own. */
  join(t: Scope, server: Server, cell: string): Promise<P>
}

const tokenOf = (server: Server, app: string) =>
  issueToken(server, { app, device: 'phone', account: 'ann', version: '1.0.0' })
const asDevice = (token: string) => ({ username: 'device', password: token })
const asProvider = (server: Server) => ({ username: 'provider', password: server.providerKey })

const device: Principal = {
  name: 'device',
  async join(t, server, app) {
    const { token, tokenId, topics } = await tokenOf(server, app)
    const member = new Member(t, server, `${app}-device`, asDevice(token), topics.private)
    const provider = new Member(t, server, `${app}-provider`, asProvider(server), `${app}/u/#`)
    return {
      member,
      others: () => provider.back(),
      send: async (text) => void (await send(server, { token: tokenId }, text)),
      publish: (text) => member.publish(`${app}/u/${tokenId}/said`, text),
      heard: () => provider.texts,
      async renew() {
        member.credentials = asDevice((await tokenOf(server, app)).token)
      },
    }
  },
}

const provider: Principal = {
  name: 'provider',
  async join(t, server, app) {
    const { token, tokenId, topics } = await tokenOf(server, app)
    const member = new Member(t, server, `${app}-provider`, asProvider(server), `${app}/u/#`)
    const phone = new Member(t, server, `${app}-device`, asDevice(token), topics.private)
    return {
      member,
      others: () => phone.back(),
      send: (text) => phone.publish(`${app}/u/${tokenId}/said`, text),
      publish: (text) => member.publish(topics.private, text),
      heard: () => phone.texts,
      async renew() {
        phone.credentials = asDevice((await tokenOf(server, app)).token)
      },
    }
  },
}

export const user: Principal<UserParticipant> = {
  name: 'user',
  async join(t, server, cell) {
    const member = new Member(t, server, `${cell}-user`, bob, `to/${cell}`)
    const other = new Member(t, server, `${cell}-other`, bob, `of/${cell}`)
    return {
      cell,
      member,
      other,
      others: () => other.back(),
      send: (text) => other.publish(`to/${cell}`, text),
      publish: (text) => member.publish(`of/${cell}`, text),
      heard: () => other.texts,
      renew: async () => undefined,
    }
  },
}

export const PRINCIPALS: readonly Principal[] = [device, provider, user]
