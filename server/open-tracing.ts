import { packageVersion } from '../common/package-version.ts'
import type { Config } from './settings.ts'
import type { ExportedTracing } from './tracing.ts'

/** Undefined: traces are off, and OpenTelemetry is not loaded. */
export async function openTracing({
  PUSH_TRACES_URL: url,
  PUSH_TRACES_PERCENT: percent,
}: Pick<Config, 'PUSH_TRACES_URL' | 'PUSH_TRACES_PERCENT'>): Promise<ExportedTracing | undefined> {
  if (url === undefined) return undefined
  const { exportTraces } = await import('./tracing.ts')
  return exportTraces({ url, ratio: percent / 100, version: packageVersion() })
}
