/** The gRPC service as both sides use it: definition, channel options, limits, and the encoding with its size check. */

import { fromJSON } from '@grpc/proto-loader';
import type { MethodDefinition } from '@grpc/proto-loader';
import { logVerbosity, makeGenericClientConstructor, setLogVerbosity } from '@grpc/grpc-js';
import type {
  CallOptions,
  ChannelOptions,
  Client,
  ClientDuplexStream,
  ClientUnaryCall,
  Metadata,
  ServerDuplexStream,
  ServerUnaryCall,
  ServiceError,
} from '@grpc/grpc-js';
import { SluiceError } from '../shared/errors.ts';
import descriptor from './gen/descriptor.json' with { type: 'json' };
import type { AgentMessage, AgentMessage__Output } from './gen/sluice/agent/v1/AgentMessage.ts';
import type { CheckReply, CheckReply__Output } from './gen/sluice/agent/v1/CheckReply.ts';
import type { EnrolRequest, EnrolRequest__Output } from './gen/sluice/agent/v1/EnrolRequest.ts';
import type { Hello, Hello__Output } from './gen/sluice/agent/v1/Hello.ts';
import type { HubMessage, HubMessage__Output } from './gen/sluice/agent/v1/HubMessage.ts';
import type { IssuedCredential, IssuedCredential__Output } from './gen/sluice/agent/v1/IssuedCredential.ts';
import type { RenewRequest, RenewRequest__Output } from './gen/sluice/agent/v1/RenewRequest.ts';

/**
 * The protocol versions this build speaks. 1: the first. 2: generations, repeated operations marked as such, chunks, progress.
 * 3: `http`, `scrape`, `guard`. What an agent can do is said by its capabilities; the version says how the messages are read.
 */
export const PROTOCOL_MIN = 1;
export const PROTOCOL_MAX = 3;

export const LIMITS = {
  /** Encoded size of one message. etcd takes objects of about 1.5 MiB; a message that is larger kills the whole stream at the receiver. */
  maxMessageBytes: 1024 * 1024,
  /** Above it a message goes in chunks, so that heartbeats and other results pass between them. */
  chunkBytes: 256 * 1024,
  /** Encoded size of the largest message that chunks may make up: it is held in memory at both ends. */
  maxTotalBytes: 8 * 1024 * 1024,
  /** What the transport takes: above `maxMessageBytes`, so that our own check, which kills no stream, is the one that acts. */
  transportMessageBytes: 4 * 1024 * 1024,
  heartbeatMs: 15_000,
  /** Heartbeats without any sign of life before a session counts as dead. */
  missedHeartbeats: 3,
  /** Operations in flight per agent. */
  credit: 64,
  welcomeTimeoutMs: 20_000,
} as const;

const KEEPALIVE: ChannelOptions = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.max_receive_message_length': LIMITS.transportMessageBytes,
  'grpc.max_send_message_length': LIMITS.transportMessageBytes,
  'grpc.enable_channelz': 0,
};

/** For the agent's channel. Retries are off: the retrying call keeps every message it wrote. The pool is local: a shared one shares backoff state. */
export const CLIENT_CHANNEL_OPTIONS: ChannelOptions = {
  ...KEEPALIVE,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 1000,
  'grpc.max_reconnect_backoff_ms': 20_000,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.dns_min_time_between_resolutions_ms': 5000,
};

/** For the hub's server. */
export const SERVER_CHANNEL_OPTIONS: ChannelOptions = { ...KEEPALIVE, 'grpc.max_concurrent_streams': 4 };

// Its own lines on standard error have no form; what they say reaches us as the status of the call.
setLogVerbosity(logVerbosity.NONE);

const SERVICE_NAME = 'sluice.agent.v1.AgentHub';

const definition = loadService();
const checkMethod = definition['Check'] as MethodDefinition<Hello, CheckReply, Hello__Output, CheckReply__Output>;
const connectMethod = definition['Connect'] as MethodDefinition<
  AgentMessage,
  HubMessage,
  AgentMessage__Output,
  HubMessage__Output
>;

/**
 * The service for `server.addService`. What is written on a stream is an already encoded message (`encodeHubMessage`,
 * `encodeAgentMessage`): it is encoded once, and its size is known before the write.
 */
export const agentHubService = {
  Connect: {
    ...connectMethod,
    requestSerialize: asIs,
    responseSerialize: asIs,
  },
  Check: checkMethod,
  Enrol: definition['Enrol'] as MethodDefinition<
    EnrolRequest,
    IssuedCredential,
    EnrolRequest__Output,
    IssuedCredential__Output
  >,
  Renew: definition['Renew'] as MethodDefinition<
    RenewRequest,
    IssuedCredential,
    RenewRequest__Output,
    IssuedCredential__Output
  >,
};

/** The agent's end: reads hub messages, writes encoded agent messages. */
export type AgentStream = ClientDuplexStream<Buffer, HubMessage__Output>;
/** The hub's end: reads agent messages, writes encoded hub messages. */
export type HubStream = ServerDuplexStream<AgentMessage__Output, Buffer>;
/** The hub's end of a `Check`. */
export type CheckCall = ServerUnaryCall<Hello__Output, CheckReply>;
export type EnrolCall = ServerUnaryCall<EnrolRequest__Output, IssuedCredential>;
export type RenewCall = ServerUnaryCall<RenewRequest__Output, IssuedCredential>;

/** How a unary call ends at the agent. */
type Ends<Reply> = (error: ServiceError | null, reply?: Reply) => void;

export interface AgentHubClient extends Client {
  Connect(metadata: Metadata): AgentStream;
  Check(hello: Hello, metadata: Metadata, options: CallOptions, callback: Ends<CheckReply__Output>): ClientUnaryCall;
  Enrol(
    request: EnrolRequest,
    metadata: Metadata,
    options: CallOptions,
    callback: Ends<IssuedCredential__Output>,
  ): ClientUnaryCall;
  Renew(
    request: RenewRequest,
    metadata: Metadata,
    options: CallOptions,
    callback: Ends<IssuedCredential__Output>,
  ): ClientUnaryCall;
}

/** `new AgentHubClient(address, credentials, CLIENT_CHANNEL_OPTIONS)`; close it, or it leaks about 23 KB. */
export const AgentHubClient = makeGenericClientConstructor(agentHubService, SERVICE_NAME) as unknown as new (
  ...args: ConstructorParameters<typeof Client>
) => AgentHubClient;

/**
 * Encodes one message for a stream.
 * @param maxBytes what the other side takes.
 * @throws SluiceError TOO_LARGE, with the sizes. Nothing was written then.
 */
export function encodeAgentMessage(message: AgentMessage, maxBytes: number = LIMITS.maxMessageBytes): Buffer {
  return fitting(connectMethod.requestSerialize(message), message.body ?? nameOf(message), maxBytes);
}

/** As `encodeAgentMessage`, for the hub. */
export function encodeHubMessage(message: HubMessage, maxBytes: number = LIMITS.maxMessageBytes): Buffer {
  return fitting(connectMethod.responseSerialize(message), message.body ?? nameOf(message), maxBytes);
}

/** Reads what `encodeAgentMessage` wrote; gRPC does this by itself on a stream. */
export function decodeAgentMessage(encoded: Buffer): AgentMessage__Output {
  return connectMethod.requestDeserialize(encoded);
}

export function decodeHubMessage(encoded: Buffer): HubMessage__Output {
  return connectMethod.responseDeserialize(encoded);
}

function fitting(encoded: Buffer, name: string, maxBytes: number): Buffer {
  if (encoded.byteLength <= maxBytes) return encoded;
  throw new SluiceError(
    'TOO_LARGE',
    `A ${name} message has ${encoded.byteLength} bytes; the link carries at most ${maxBytes}. Split the objects over several operations, or narrow what is asked for.`,
  );
}

function nameOf(message: object): string {
  return Object.keys(message)[0] ?? 'empty';
}

function asIs(encoded: Buffer): Buffer {
  return encoded;
}

function loadService(): Record<string, unknown> {
  const loaded = fromJSON(descriptor as Parameters<typeof fromJSON>[0], {
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const service = loaded[SERVICE_NAME];
  if (service === undefined)
    throw new SluiceError('INTERNAL', `The descriptor has no ${SERVICE_NAME}; run npm run generate.`);
  return service as unknown as Record<string, unknown>;
}
