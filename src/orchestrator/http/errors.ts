/** Every refusal in one form: a stable code, a sentence, and the problems of a file where there are any. */

import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { SluiceError, messageOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { FileProblem } from '../file/problem.ts';
import type { refusal } from './answers.ts';

/** Manifests of one deployment; etcd itself takes 1.5 MB an object. */
export const BODY_LIMIT = 8 * 1024 * 1024;

type ErrorBody = z.output<typeof refusal>;

/** A refusal with its HTTP status. Thrown by routes only. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: string;
  readonly problems: FileProblem[] | undefined;

  constructor(status: number, code: string, message: string, problems?: FileProblem[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.problems = problems;
  }
}

export function noSuchDeployment(id: string): HttpError {
  return new HttpError(404, 'NO_SUCH_DEPLOYMENT', `There is no deployment ${id}. List them with: sluice status`);
}

const SLUICE_STATUS: Record<string, number> = {
  NO_SUCH_DEPLOYMENT: 404,
  INVALID_ACCOUNT: 400,
  NO_SUCH_AGENT: 404,
  CA_ROTATION_WAITS: 409,
  TOKENS_NOT_HEARD: 400,
  NO_CA_ROTATION: 409,
};

export function answerError(log: Log) {
  return (error: FastifyError | HttpError | SluiceError, request: FastifyRequest, reply: FastifyReply): void => {
    const { status, body } = described(error);
    if (status >= 500)
      log.error({ err: error, method: request.method, path: request.url.split('?')[0] }, 'request failed');
    void reply.status(status).send(body);
  };
}

function described(error: FastifyError | HttpError | SluiceError): { status: number; body: ErrorBody } {
  if (error instanceof HttpError) {
    const { status, code, message, problems } = error;
    return { status, body: { error: { code, message, ...(problems === undefined ? {} : { problems }) } } };
  }
  if (error instanceof SluiceError) {
    return { status: SLUICE_STATUS[error.code] ?? 500, body: { error: { code: error.code, message: error.message } } };
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const wrong = error.validation.map(({ instancePath, message }) => `${instancePath.slice(1)} ${message}`).join('; ');
    return { status: 400, body: { error: { code: 'INVALID_REQUEST', message: `The request is wrong: ${wrong}` } } };
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const message = `The request is larger than ${BODY_LIMIT / 1024 / 1024} MiB, which is the most that file and manifests may be together: leave out what is not applied, or deploy in parts.`;
    return { status: 413, body: { error: { code: 'BODY_TOO_LARGE', message } } };
  }
  const status = error.statusCode ?? 500;
  if (status < 500) return { status, body: { error: { code: error.code, message: error.message } } };
  return { status, body: { error: { code: 'INTERNAL', message: `The orchestrator failed: ${messageOf(error)}` } } };
}

export function notFound(request: FastifyRequest, reply: FastifyReply): void {
  const message = `There is no ${request.method} ${request.url}. What there is: /openapi.json`;
  void reply.status(404).send({ error: { code: 'NOT_FOUND', message } } satisfies ErrorBody);
}
