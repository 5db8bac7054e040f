/** The program that embeds us. */
import { ALL_SCOPES, type Provider } from '../../topics/index.ts'

/** It may do everything. No provider has this name: none begins with `$`. */
export const EVERY_APP: Provider = { kind: 'provider', name: '$program', apps: 'all', scopes: ALL_SCOPES }
