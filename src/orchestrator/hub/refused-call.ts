/** What grpc-js makes the end of a unary call of. */

import type { StatusObject, status } from '@grpc/grpc-js';

export function refusedCall(code: status, details: string): Partial<StatusObject> & Error {
  return Object.assign(new Error(details), { code, details });
}
