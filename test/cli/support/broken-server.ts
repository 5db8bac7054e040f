/** The server as it is built, with one small change that breaks isolation. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUILD, ROOT, type Scope, startProgram, temporaryFolder } from '../../support/index.ts'

export interface Break {
  readonly what: string
  readonly file: string
  readonly from: string
  readonly to: string
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
