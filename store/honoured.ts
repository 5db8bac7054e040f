/** Whether the registry still honours what was issued under a token id. */
import type { ErrorCode } from '../errors.ts'
import type { TokenRecord } from './contract.ts'

type Honoured = Pick<TokenRecord, 'generation' | 'revoked' | 'current'>

/** Why a verified token of this generation is refused; undefined if it is not. */
export function refusalOf(record: Honoured | undefined, generation: number): ErrorCode | undefined {
  if (record === undefined) return 'TOKEN_UNKNOWN'
  if (record.revoked || generation < record.generation) return 'TOKEN_REVOKED'
  return record.current ? undefined : 'TOKEN_SUPERSEDED'
}
