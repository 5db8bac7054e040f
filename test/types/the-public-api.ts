// Does the compiler take what docs/api.md says, and refuse what createPush would refuse? `npm run lint` checks its types.
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import { t } from '../support/tap.ts'
import {
  Certificates,
  createPush,
  ERRORS,
  PushError,
  type Acceptor,
  type Algorithm,
  type CallOptions,
  type CommonOptions,
  type CountName,
  type Deliver,
  type ErrorCode,
  type FastifyInstance,
  type Heard,
  type InProcessCalls,
  type KeyAnswer,
  type KeyApps,
  type KeyChange,
  type KeyList,
  type KeyQuery,
  type KeyQuotas,
  type KeyRequest,
  type KeyRotation,
  type MadeKeyAnswer,
  type Logger,
  type Metrics,
  type NativePersistence,
  type ProviderKey,
  type QoS,
  type Push,
  type PushErrorOptions,
  type PushLimits,
  type PushOptions,
  type Quota,
  type Scope,
  type Secrets,
  type SendAnswer,
  type SendRequest,
  type SendTo,
  type TagSelector,
  type Tally,
  type TlsSettings,
  type TokenAnswer,
  type TokenRequest,
  type User,
  type UserCredentials,
  type Users,
} from '../../index.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Does not compile for anything but `true`. */
function holds<Claim extends true>(): Claim | undefined {
  return undefined
}

const providers: readonly ProviderKey[] = [{ name: 'backend', key: 'key-0123456789-0123456789', apps: ['chat'] }]

/** Every type that the API mentions has a name that a program can import. */
function mentioned(options: CommonOptions, error: PushError, tally: Tally): void {
  holds<Same<Push['http'], FastifyInstance>>()
  holds<Same<Push['metrics'], Metrics>>()
  holds<Same<Parameters<Push['attach']>, [broker: Aedes, persistence?: NativePersistence | undefined]>>()
  holds<Same<NonNullable<(typeof options)['users']>, Users>>()
  holds<Same<Parameters<Users['authenticate']>[0], UserCredentials>>()
  holds<Same<Awaited<ReturnType<Users['authenticate']>>, User | undefined>>()
  holds<Same<Parameters<User['maySubscribe']>[1], QoS>>()
  holds<Same<ReturnType<Push['acceptor']>, Acceptor>>()
  holds<Same<Parameters<Push['acceptor']>[1], Deliver>>()
  holds<Same<Parameters<Push['acceptor']>[0]['certificates'], Certificates | undefined>>()
  holds<Same<ConstructorParameters<typeof Certificates>[0], TlsSettings>>()
  holds<Same<Parameters<Push['send']>, [message: SendRequest, options?: CallOptions | undefined]>>()
  holds<Same<ReturnType<Push['send']>, Promise<SendAnswer>>>()
  holds<Same<Parameters<Push['issueToken']>, [request: TokenRequest, options?: CallOptions | undefined]>>()
  holds<Same<ReturnType<Push['issueToken']>, Promise<TokenAnswer>>>()
  holds<Same<ReturnType<Push['revokeToken']>, Promise<void>>>()
  holds<Same<SendRequest['to'], SendTo>>()
  holds<Same<NonNullable<Extract<SendTo, { version: string }>['tags']>, TagSelector>>()
  holds<Same<Parameters<Push['createKey']>, [request: KeyRequest, options?: CallOptions | undefined]>>()
  holds<Same<ReturnType<Push['createKey']>, Promise<MadeKeyAnswer>>>()
  holds<Same<Parameters<Push['changeKey']>[1], KeyChange>>()
  holds<Same<Parameters<Push['rotateKey']>[1], KeyRotation | undefined>>()
  holds<Same<Parameters<Push['listKeys']>[0], KeyQuery | undefined>>()
  holds<Same<ReturnType<Push['listKeys']>, Promise<KeyList>>>()
  holds<Same<ReturnType<Push['findKey']>, Promise<KeyAnswer>>>()
  holds<Same<KeyAnswer['apps'], KeyApps>>()
  holds<Same<KeyAnswer['scopes'][number], Scope>>()
  holds<Same<NonNullable<KeyAnswer['quotas']>, KeyQuotas>>()
  holds<Same<KeyQuotas['receivers'], Quota | readonly Quota[]>>()
  holds<Same<NonNullable<(typeof options)['algorithm']>, Algorithm>>()
  holds<Same<NonNullable<(typeof options)['limits']>, Partial<PushLimits>>>()
  holds<Same<NonNullable<(typeof options)['logger']>, Logger>>()
  holds<Same<NonNullable<(typeof options)['tally']>, Tally>>()
  holds<Same<Parameters<Extract<(typeof options)['providers'], (...given: never) => unknown>>[0], Secrets>>()
  holds<Same<Parameters<(typeof tally)['tell']>[0], CountName>>()
  holds<Same<Parameters<(typeof tally)['hear']>[1], Heard>>()
  holds<Same<(typeof error)['code'], ErrorCode>>()
  holds<Same<ConstructorParameters<typeof PushError>[2], PushErrorOptions | undefined>>()
  holds<Same<Pick<Push, keyof InProcessCalls>, Pick<InProcessCalls, keyof InProcessCalls>>>()
}

/** What is documented compiles. */
async function documented(push: Push, logger: Logger): Promise<void> {
  await createPush({ dataDir: './data', providers })
  await createPush({ redisUrl: 'redis://localhost', providers: [] })
  await createPush({ dataDir: './data', redisUrl: 'redis://localhost', redisPrefix: 'x', redisReplicas: 1, providers })
  await createPush({ dataDir: './data', providers: async (secrets) => [await keyOf(secrets)], logger })
  await createPush({ dataDir: './data', providers, limits: { payloadBytes: 1024 }, algorithm: 'EdDSA' })
  const user: User = { kind: 'user', name: '', mayPublish: async () => true, maySubscribe: (_filter, qos) => qos }
  await createPush({ dataDir: './data', providers, users: { authenticate: async () => user } })
  await createPush({
    dataDir: './data',
    providers,
    users: {
      sessionsByClientId: true,
      find: async (name) => (name === '' ? undefined : user),
      authenticate: async ({ username, password, clientId, address, certificate, signal }) =>
        signal.aborted || username === '' || password === undefined || clientId === address
          ? undefined
          : { ...user, name: String(certificate?.subject.CN ?? username), mayReceive: (topic) => topic !== '' },
    },
  })
  push.attach(await Aedes.createBroker({ authenticate: (_client, _name, _word, done) => done(null, true) }))
  createServer((socket) => push.handle(socket))
  push.webSocket(createHttpServer(push.http.routing), '/mqtt')()
  const { token, tokenId, topics, expiresAt } = await push.issueToken({
    app: 'chat',
    device: 'phone',
    account: undefined,
  })
  holds<Same<typeof topics.broadcast, string | null>>()
  holds<Same<typeof expiresAt, string>>()
  await push.send({ to: { token }, payload: { any: ['thing'] }, ttl: 60, retain: true, id: 'one' })
  await push.send({ to: { tokens: [token, tokenId], app: 'chat' }, payload: Buffer.from('bytes') })
  await push.send({ to: { app: 'chat', version: '2.1.0' }, payload: null }, { provider: 'backend' })
  const { rejected } = await push.send({ to: { app: 'chat', versions: '>=2' }, payloadBase64: 'eA==' })
  await push.send({ to: { app: 'chat', versions: '*', tags: { any: ['beta'], none: ['muted'] } }, payload: 'x' })
  await push.send({ to: { app: 'chat', version: '2', tags: undefined }, payload: 'x' })
  await push.send({ to: { token }, payload: 'x', ttl: 0, collapseKey: 'k', receipt: true, dryRun: true })
  const { states } = await push.messageStatus('one', { app: 'chat' })
  const [recalled] = (await push.recallMessage('one', { token })).states
  for (const { state } of states) if (state === 'pending' && recalled?.mayHaveBeenSeen === true) return
  for (const { code } of rejected) holds<Same<typeof code, ErrorCode>>()
  await push.revokeToken(tokenId, {})
  const made = await push.createKey({ name: 'shop', apps: ['chat'], scopes: ['messages:send'], expiresIn: 60 })
  await push.changeKey(made.id, { apps: '*', expiresAt: null, quotas: { receivers: { count: 9, seconds: 60 } } })
  holds<Same<typeof made.key, string>>()
  await push.deleteKey((await push.rotateKey(made.id)).id)
}

async function keyOf(secrets: Secrets): Promise<ProviderKey> {
  return { name: 'backend', key: await secrets.secret('provider.key', () => 'x'.repeat(32)) }
}

/** What is wrong does not. */
async function refused(push: Push): Promise<void> {
  // @ts-expect-error -- neither dataDir nor redisUrl
  await createPush({ providers })
  // @ts-expect-error -- no providers
  await createPush({ dataDir: './data' })
  // @ts-expect-error -- misspelt
  await createPush({ dataDirr: './data', redisUrl: 'redis://localhost', providers })
  // @ts-expect-error -- no path
  await createPush({ dataDir: 5, providers })
  // @ts-expect-error -- no algorithm
  await createPush({ dataDir: './data', providers, algorithm: 'none' })
  // @ts-expect-error -- no such limit
  await createPush({ dataDir: './data', providers, limits: { maxPayload: 1 } })
  // @ts-expect-error -- a limit that is undefined would be none
  await createPush({ dataDir: './data', providers, limits: { payloadBytes: undefined } })
  // @ts-expect-error -- one name is no list
  await createPush({ dataDir: './data', providers, allowedHosts: 'x' })
  // @ts-expect-error -- a provider without key
  await createPush({ dataDir: './data', providers: [{ name: 'backend' }] })
  // @ts-expect-error -- no broker
  push.attach({ handle: () => undefined })
  // @ts-expect-error -- a user who may publish nothing that is known
  await createPush({ dataDir: './data', providers, users: { authenticate: async () => ({ kind: 'user', name: '' }) } })
  // @ts-expect-error -- nobody
  await push.send({ to: {}, payload: 'x' })
  // @ts-expect-error -- nothing
  await push.send({ to: { token: 'x' } })
  // @ts-expect-error -- two payloads
  await push.send({ to: { token: 'x' }, payload: 'x', payloadBase64: 'eA==' })
  // @ts-expect-error -- two kinds of receivers
  await push.send({ to: { token: 'x', tokens: ['x'] }, payload: 'x' })
  // @ts-expect-error -- an app without a version
  await push.send({ to: { app: 'chat' }, payload: 'x' })
  // @ts-expect-error -- seconds are a number
  await push.send({ to: { token: 'x' }, payload: 'x', ttl: '60' })
  // @ts-expect-error -- misspelt
  await push.send({ to: { token: 'x' }, payload: 'x' }, { providr: 'backend' })
  // @ts-expect-error -- no app
  await push.issueToken({ device: 'phone' })
  // @ts-expect-error -- no such code
  new PushError('NO_SUCH_CODE')
}

const options: PushOptions = { redisUrl: 'redis://localhost', providers }
t.type(options, 'object')
for (const compiled of [mentioned, documented, refused]) t.type(compiled, 'function')
t.ok(Object.keys(ERRORS).every((code) => new PushError(code as ErrorCode).status >= 400))
