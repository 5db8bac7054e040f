/**
 * The image's health check: exit 0 while the process answers `/healthz`. It reads the settings of the container's
 * environment; a listener whose port is given by a flag or a file needs a health check of its own.
 */
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import { connect } from 'node:net'

const TIMEOUT_MS = 4_000
const { PUSH_HTTP_PORT, PUSH_HTTPS_PORT, PUSH_PROXY_PROTOCOL } = process.env
const isPlain = PUSH_HTTP_PORT !== 'off'
const port = Number((isPlain ? PUSH_HTTP_PORT : PUSH_HTTPS_PORT) || 8080)

function end(isHealthy) {
  process.exit(isHealthy ? 0 : 1)
}

setTimeout(() => end(false), TIMEOUT_MS)
if (PUSH_PROXY_PROTOCOL === 'v2') {
  // Only a balancer may speak there: what can be seen is that the port takes connections.
  connect({ host: '127.0.0.1', port })
    .on('connect', () => end(true))
    .on('error', () => end(false))
} else {
  const get = isPlain ? getHttp : getHttps
  // Whose certificate it is makes no difference to being alive.
  const tls = isPlain ? {} : { rejectUnauthorized: false }
  get({ host: '127.0.0.1', port, path: '/healthz', ...tls }, ({ statusCode }) => end(statusCode === 200)).on(
    'error',
    () => end(false),
  )
}
