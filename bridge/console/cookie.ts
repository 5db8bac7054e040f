/** The cookie of a session of the console (RFC 6265): a random name of the session, and nothing else. */
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'

/** The browser takes a `__Host-` cookie over TLS alone, from this host alone, and lets no other host set it. */
const SECURE = '__Host-push_console'
const PLAIN = 'push_console'
const VALUE = /^[A-Za-z0-9_-]{43}$/

type Head = Pick<IncomingMessage, 'headers' | 'socket'>

/** By the connection, or by what the browser says of the page: a proxy may speak TLS in front of us. */
function isSecure({ headers, socket }: Head): boolean {
  if (socket instanceof TLSSocket || headers.origin?.startsWith('https://') === true) return true
  return headers.cookie?.includes(`${SECURE}=`) === true
}

/** Of the session; undefined: none. A second one of the same name is somebody else's doing, and neither counts. */
export function sessionOf({ headers }: Pick<Head, 'headers'>): string | undefined {
  const found = (headers.cookie ?? '').split(';').flatMap((pair) => {
    const [name, value, ...more] = pair.trim().split('=')
    return (name === SECURE || name === PLAIN) && value !== undefined && more.length === 0 ? [{ name, value }] : []
  })
  const secure = found.filter(({ name }) => name === SECURE)
  const [one, other] = secure.length > 0 ? secure : found
  return one !== undefined && other === undefined && VALUE.test(one.value) ? one.value : undefined
}

/** `session` undefined: it goes. It ends with the browser; the server ends it before that. */
export function setCookie(request: Head, session: string | undefined): string[] {
  const rules = 'Path=/; HttpOnly; SameSite=Strict'
  const secure = isSecure(request)
  if (session !== undefined) return [`${secure ? SECURE : PLAIN}=${session}; ${rules}${secure ? '; Secure' : ''}`]
  return [`${PLAIN}=; ${rules}; Max-Age=0`, ...(secure ? [`${SECURE}=; ${rules}; Secure; Max-Age=0`] : [])]
}
