/**
 * Checks that limits fit together. A limit that was not given is adjusted; given limits that do not fit are refused.
 */
import { fitLimits } from '../common/limit-checks.ts'
import { DEFAULT_LIMITS, LIMIT_NAMES, LIMITS, limitsFrom, type LimitName, type Limits } from '../common/limits.ts'
import { ConfigError, named, SETTINGS, type Config } from './settings.ts'

/** @throws ConfigError */
export function fit(config: Config, given: ReadonlySet<string>): Config {
  const values = limitsFrom((name) => config[LIMITS[name].setting])
  const givenLimits = new Set(LIMIT_NAMES.filter((name) => given.has(LIMITS[name].setting)))
  const fitting = fitLimits(values, givenLimits, ({ lower, upper, why }, { [lower]: low, [upper]: high }) => {
    const { setting } = LIMITS[lower]
    const value = `${low}${low === SETTINGS[setting].default ? ', its default,' : ''}`
    const other = `${named(LIMITS[upper].setting)}, which is ${high}`
    return new ConfigError(`${named(setting)}: ${value} does not fit ${other}: ${why}`)
  })
  return { ...config, ...Object.fromEntries(LIMIT_NAMES.map((name) => [LIMITS[name].setting, fitting[name]])) }
}

/** The limits that differ from the defaults; `createPush` adjusts defaults in the same way. */
export function limitsOf(config: Config): Partial<Limits> {
  const optionOf = (name: LimitName) => config[LIMITS[name].setting] * LIMITS[name].optionFactor
  const differing = LIMIT_NAMES.filter((name) => optionOf(name) !== DEFAULT_LIMITS[name])
  return Object.fromEntries(differing.map((name) => [name, optionOf(name)]))
}

/** Proxies whose HTTP headers are trusted. With the PROXY protocol, the headers come from clients and are not. */
export function trustedProxiesOf({ PUSH_PROXY_PROTOCOL: protocol, PUSH_PROXY_TRUSTED: trusted }: Config) {
  return protocol === 'off' && trusted !== undefined ? { trustedProxies: trusted } : {}
}
