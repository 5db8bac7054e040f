/** The providers of the settings: the administrator, with a given or generated key, and those of the file. */
import type { Logger } from 'pino'
import {
  fileSecrets,
  firstFrom,
  generateProviderKey,
  loadProvidersFromFile,
  type ProviderKey,
  type Secrets,
} from '../auth/index.ts'
import type { Config } from './settings.ts'

export const PROVIDER_KEY = 'provider.key'

/** The provider of `PUSH_PROVIDER_KEY`, or of the generated key, and those of the file. */
export async function providersOf(config: Config, logger: Logger, shared?: Secrets): Promise<ProviderKey[]> {
  const key = config.PUSH_PROVIDER_KEY ?? (await generatedKey(config, logger, shared))
  return [{ name: 'provider', key }, ...(await fileProviders(config))]
}

export async function fileProviders({ PUSH_PROVIDERS_FILE: path }: Config): Promise<ProviderKey[]> {
  return path === undefined ? [] : await loadProvidersFromFile(path)
}

/**
 * The generated key, in `provider.key` of the data directory. Nodes that share a Redis share one key, and each has it
 * in its file.
 */
async function generatedKey(config: Config, logger: Logger, shared: Secrets | undefined): Promise<string> {
  const files = fileSecrets(config.PUSH_DATA_DIR, { warn: (message) => logger.warn(message), shared: true })
  if (config.PUSH_REDIS_URL === undefined || shared === undefined)
    return await files.secret(PROVIDER_KEY, generateProviderKey)
  const key = await firstFrom(files, shared).secret(PROVIDER_KEY, generateProviderKey)
  const inFile = await files.secret(PROVIDER_KEY, () => key)
  if (inFile !== key)
    logger.warn('provider.key in the data directory differs from the provider key in Redis; the one in Redis is used')
  return key
}
