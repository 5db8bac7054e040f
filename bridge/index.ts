/** Everything HTTP. */
export { createHttpApi, type HttpApiOptions } from './api.ts'
export { boundTo, checkOneHost, createHostCheck } from './host-check.ts'
export { DEFAULT_HTTP_LIMITS, DEFAULT_TOKEN_TTL, type HttpLimits, type TokenTtl } from './limits.ts'
export { createRemoteBridge, type RemoteBridgeOptions } from './remote.ts'
export type { UpstreamOptions } from './remote-connection.ts'
export { refuseUpgrade } from './problem.ts'
