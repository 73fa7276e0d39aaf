/** How long requests in flight are given, before what they use is taken away. */

/** kube-proxy syncs its rules once a second; the proxies follow an endpoint in milliseconds. */
export const DRAIN_MS = 3_000;
