/** A client of the hub as the agent's configuration and credential make it. */

import { credentials as grpcCredentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { AgentHubClient, CLIENT_CHANNEL_OPTIONS } from '../../protocol/service.ts';
import { isProxied } from './proxy.ts';
import type { Proxy } from './proxy.ts';

export interface ChannelTarget {
  /** host:port */
  server: string;
  /** The name the server's certificate is for, where it is not the host of the address. */
  serverName: string | undefined;
  plaintext: boolean;
  proxy: Proxy | undefined;
}

/** PEM */
export interface ChannelMaterial {
  ca?: string | undefined;
  certificate?: string | undefined;
  key?: string | undefined;
}

/** Dials when it is first called. Close it: not closed, each client keeps 23 KB. */
export function openHubClient(target: ChannelTarget, material: ChannelMaterial): AgentHubClient {
  return new AgentHubClient(target.server, channelCredentials(material, target.plaintext), channelOptions(target));
}

function channelOptions({ server, serverName, proxy }: ChannelTarget): ChannelOptions {
  return {
    ...CLIENT_CHANNEL_OPTIONS,
    'grpc.enable_http_proxy': isProxied(proxy, server) ? 1 : 0,
    ...(serverName !== undefined && {
      'grpc.ssl_target_name_override': serverName,
      'grpc.default_authority': serverName,
    }),
  };
}

function channelCredentials({ ca, certificate, key }: ChannelMaterial, plaintext: boolean): ChannelCredentials {
  if (plaintext) return grpcCredentials.createInsecure();
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return grpcCredentials.createSsl(pem(ca), pem(key), pem(certificate));
}
