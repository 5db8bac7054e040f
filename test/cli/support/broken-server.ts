/** The server as it is built, with one small change that breaks isolation. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUILD, passwordFile, ROOT, type Scope, startProgram, temporaryFolder } from '../../support/index.ts'

export interface Break {
  readonly what: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** The check that finds it begins so. Default: any. */
  readonly by?: string
  /** What is broken is between users and others: there are users, and one is tried. */
  readonly users?: true
}

/** Each lets somebody do what is not theirs. */
export const RIGHTS: readonly Break[] = [
  {
    what: 'a device may subscribe to any private topic of its app',
    file: 'topics/rules.js',
    from: "topic.kind === 'broadcast' || topic.tokenId === device.tokenId ? topic",
    to: 'true ? topic',
  },
  {
    what: 'a device may subscribe to broadcasts of other apps',
    file: 'topics/rules.js',
    from: " || topic.app !== device.app)\n        return undefined;\n    return topic.kind === 'broadcast'",
    to: ")\n        return undefined;\n    return topic.kind === 'broadcast'",
  },
  {
    what: 'a device may publish upstream as another',
    file: 'topics/rules.js',
    from: 'topic.startsWith(prefix)',
    to: "topic.startsWith(device.app + '/u/')",
  },
  {
    what: 'a provider may act for every app',
    file: 'topics/rules.js',
    from: 'provider.apps.has(app)',
    to: 'true',
  },
  {
    what: 'revoked tokens are honoured',
    file: 'store/honoured.js',
    from: 'record.revoked || generation < record.generation',
    to: 'false',
  },
  {
    what: 'tokens of an account that is logged out are honoured',
    file: 'store/honoured.js',
    from: "record.current ? undefined : 'TOKEN_SUPERSEDED'",
    to: 'undefined',
  },
]

/** Each lets somebody receive what is not theirs. */
export const DELIVERIES: readonly Break[] = [
  {
    what: 'a fresh private message reaches every connection',
    file: 'broker/session/device-sessions.js',
    from: 'this.#tell(this.#live.get(tokenId), (session) => session.privateArrived(offset, entry))',
    to: 'for (const each of this.#live.values()) this.#tell(each, (session) => session.privateArrived(offset, entry))',
  },
  {
    what: 'connections that lost their token go on',
    file: 'broker/session/device-sessions.js',
    from: 'session.epoch <= epoch)\n            session.end(',
    to: 'session.epoch <= epoch)\n            void (',
  },
  {
    what: 'a broadcast reaches every version',
    file: 'topics/selectors.js',
    from: 'return this.#versions.test(selector);',
    to: 'return () => true;',
  },
  {
    what: 'a broadcast reaches every tag',
    file: 'topics/selectors.js',
    from: 'const test = compileTagSelector(text);',
    to: 'const test = () => true;',
  },
  {
    what: 'signatures of tokens are not looked at',
    file: 'auth/tokens.js',
    from: 'claims: verifierOf(key)(token)',
    to: "claims: JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())",
  },
  {
    what: 'accounts of a device share a token id',
    file: 'topics/token-id.js',
    from: '[app, device, account]',
    to: '[app, device]',
  },
  {
    what: 'a cursor is good for every token',
    file: 'bridge/page-cursor.js',
    from: '.update(tokenId).update(bytes)',
    to: '.update(bytes)',
  },
]

/** Each leads somebody who names a client id to what is another's. */
export const TAKEOVERS: readonly Break[] = [
  {
    what: 'a client id leads to the session of another device',
    file: 'broker/session/connect.js',
    from: "const device = node.auth.verify(connect.password?.toString('latin1') ?? '');",
    to:
      "const own = node.auth.verify(connect.password?.toString('latin1') ?? '');\n" +
      '    const device = (node.owners ??= new Map()).get(connect.clientId) ?? own;\n' +
      '    node.owners.set(connect.clientId, device);',
    by: 'client ids: the connection and the session of another device',
  },
  {
    what: 'a client id ends the connection of another device',
    file: 'broker/session/connect.js',
    from: 'node.sessions.add(session);',
    to:
      "(node.byClientId ??= new Map()).get(connect.clientId)?.end(new PushError('SESSION_TAKEN_OVER'));\n" +
      '    node.byClientId.set(connect.clientId, session);\n' +
      '    node.sessions.add(session);',
    by: 'client ids: the connection and the session of another device',
  },
  {
    what: 'a client id leads to the session of another provider',
    file: 'broker/session/provider-sessions.js',
    from: '${encodeURIComponent(provider)}/',
    to: '',
    by: 'client ids: the connection and the session of another provider',
  },
]

/** Each retains for others, too. */
export const RETAINED: readonly Break[] = [
  {
    what: 'a retained message goes to every token',
    file: 'store/level/store.js',
    from: 'return token === undefined || token.retainedUntil === 0\n            ? undefined\n            : this.#retained(retainedPrivateKey(tokenId), decodeEntry);',
    to: 'if (token.retainedUntil > 0) this.kept = this.#retained(retainedPrivateKey(tokenId), decodeEntry);\n        return this.kept;',
    by: 'retained messages',
  },
  {
    what: 'a retained broadcast goes to every version and tag',
    file: 'store/level/retained-index.js',
    from: 'selections.selects(row.selector, version, tags)',
    to: 'true',
    by: 'retained messages',
  },
  {
    what: 'a retained broadcast is for every app',
    file: 'store/level/keys.js',
    from: 'under(Kind.retainedBroadcast, app, selector)',
    to: "under(Kind.retainedBroadcast, 'all', selector)",
    by: 'retained messages',
  },
]

/** Each makes an endpoint of Web Push good for more than it is for. */
export const ENDPOINTS: readonly Break[] = [
  {
    what: 'every endpoint leads to the device that asked for one first',
    file: 'bridge/web-push/capabilities.js',
    from: "seal('push endpoint', encode(endpoint))",
    to: "seal('push endpoint', encode((this.first ??= endpoint)))",
    by: 'Web Push',
  },
  {
    what: 'endpoints and tickets that were changed are taken',
    file: 'auth/sealing.js',
    from: 'timingSafeEqual(tag, tagOf(keys, text))',
    to: 'true',
    by: 'Web Push',
  },
  {
    what: 'an endpoint of one application server is good without its key',
    file: 'bridge/web-push/web-push.js',
    from: 'if (vapidKey !== undefined)\n',
    to: 'if (false)\n',
    by: 'Web Push',
  },
  {
    what: 'an endpoint of one application server is good for another one',
    file: 'bridge/web-push/web-push.js',
    from: '!key.equals(vapidKey)',
    to: 'false',
    by: 'Web Push',
  },
  {
    what: 'an endpoint outlives the revocation of its tokens',
    file: 'bridge/web-push/capabilities.js',
    from: 'const generation = bytes.readUIntBE(TOKEN_ID_BYTES, GENERATION_BYTES);',
    to: 'const generation = 2 ** 40;',
    by: 'Web Push',
  },
]

/** Each lets topics of users and push topics meet. */
export const MEETINGS: readonly Break[] = [
  {
    what: 'a user is a provider of every app',
    file: 'broker/connect-route.js',
    from: 'user.isVerified === true ? this.#context.auth.providerOfUser(user.name) : undefined',
    to: "{ kind: 'provider', name: user.name, apps: 'all', scopes: new Set(['messages:send', 'messages:read']) }",
    by: 'users',
    users: true,
  },
  {
    what: 'users hear what is sent to devices',
    file: 'broker/index.js',
    from: 'this.#users?.sessions.start();',
    to:
      'this.#users?.sessions.start();\n' +
      "        const hear = (topic, entry) => this.#users?.router.publish(generalMessageOfWill({ now, randomId }, { topic, payload: entry.payload, qos: 1, retain: false }, '')).catch(() => undefined);\n" +
      '        store.watch({ privateAppended: (tokenId, _offset, entry) => entry && hear(`x/t/${tokenId}`, entry), privateRemoved() {}, broadcastAppended() {}, broadcastRemoved() {}, sessionEnded() {}, cursorMoved() {}, cursorsLost() {}, willDue() {}, resync() {} });',
    by: 'users',
    users: true,
  },
  {
    what: 'devices get what users publish',
    file: 'broker/index.js',
    from: 'this.#users?.sessions.start();',
    to:
      'this.#users?.sessions.start();\n' +
      '        const { router } = this.#users ?? {};\n' +
      '        const sends = router?.publish.bind(router);\n' +
      '        if (router) router.publish = (message) => {\n' +
      "            const [app, , tokenId] = message.topic.split('/');\n" +
      "            if (message.topic.includes('/t/')) void store.append({ tokenId, dedupe: false, message: { id: randomId(), payload: message.payload, retain: false, storedAt: now(), expiresAt: now() + 60000 } });\n" +
      '            return sends(message);\n' +
      '        };',
    by: 'users',
    users: true,
  },
  {
    what: 'a user ends the connection of a device by its client id',
    file: 'broker/connect-route.js',
    from: 'const { password, properties } = connect;',
    to:
      'const { password, properties } = connect;\n' +
      '            const streams = (this.streams ??= new Map());\n' +
      '            if (password !== undefined && looksLikeToken(password)) streams.set(connect.clientId, connection.stream);\n' +
      "            else if (connect.username !== 'provider') streams.get(connect.clientId)?.destroy();",
    by: 'users',
    users: true,
  },
]

const PRODUCT = [
  'common',
  'topics',
  'auth',
  'store',
  'broker',
  'bridge',
  'push',
  'mosquitto-compat',
  'server',
  'console',
]

export interface CopiedServer {
  readonly env: Record<string, string>
  stop(): Promise<unknown>
}

/** Starts a copy of the build; `broken` is put into it. Fails where it does not fit the build once. */
export async function startCopy(t: Scope, broken: Break | undefined): Promise<CopiedServer> {
  const root = temporaryFolder(t, 'copy')
  const copy = join(root, 'dist')
  mkdirSync(copy)
  for (const name of [...PRODUCT, 'errors.js', 'index.js'])
    cpSync(join(BUILD, name), join(copy, name), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(root, 'package.json'))
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  if (broken !== undefined) breakIt(copy, broken)
  const data = join(root, 'data')
  const settings = {
    PUSH_DATA_DIR: data,
    PUSH_MQTT_PORT: '0',
    PUSH_HTTP_PORT: '0',
    PUSH_PUBLIC_URL: 'http://push.test',
    ...(broken?.users === true ? { PUSH_PASSWORD_FILE: passwordFile(t) } : {}),
  }
  const program = startProgram(t, process.execPath, [join(copy, 'server', 'main.js')], { env: settings, cwd: root })
  const ready = await program.stdout.next()
  const port = (name: string) => new RegExp(`${name}=(\\d+)`).exec(ready)?.[1] ?? ''
  return {
    env: { PUSH_DATA_DIR: data, PUSH_MQTT_PORT: port('mqtt'), PUSH_HTTP_PORT: port('http') },
    stop: () => program.kill(),
  }
}

function breakIt(copy: string, { file, from, to, what }: Break): void {
  const path = join(copy, file)
  const [before, after, ...more] = readFileSync(path, 'utf8').split(from)
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} does not hold once what is to be broken: ${what}`)
  writeFileSync(path, `${before}${to}${after}`)
}
