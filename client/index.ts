/**
 * `aedes-push/client`: receives messages over HTTP, in browsers and Node.js. No dependencies, no bundler needed. See
 * docs/client.md.
 */
export { PushClientError } from './errors.ts'
export { listen } from './listener.ts'
export { requestToken } from './token.ts'
export { createWebPushKeys, decryptWebPush } from './web-push.ts'
export type { WebPushKeys } from './web-push.ts'
export type {
  HandlerContext,
  Listener,
  ListenOptions,
  Message,
  RenewalRequest,
  SeenMessages,
  State,
  TokenAnswer,
  TokenRequest,
  WebPushRequest,
} from './types.ts'
