/** The last lines of a container's log, small enough for every snapshot. Pure. */

const MAX_LINES = 20;
const MAX_BYTES = 2048;

/** What is asked of the API server: the lines of 20 may be long, and a limit in bytes there cuts off the last ones. */
export const TAIL_QUERY = { tailLines: MAX_LINES, limitBytes: 64 * 1024 };

/** At most 20 lines and 2 KiB, from the end; without the bytes that would move a terminal's cursor. */
export function logTail(text: string): string {
  const lines = text
    // oxlint-disable-next-line no-control-regex
    .replace(/\u001B\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000B-\u001F\u007F]/g, '')
    .trimEnd()
    .split('\n')
    .slice(-MAX_LINES)
    .join('\n');
  const bytes = Buffer.from(lines);
  if (bytes.byteLength <= MAX_BYTES) return bytes.toString();
  const cut = bytes.subarray(bytes.byteLength - MAX_BYTES);
  const lineAt = cut.indexOf('\n') + 1;
  // A line that is longer than all of it is cut in its middle, at the start of a character. A new string: a part would keep the whole alive.
  let start = lineAt;
  if (lineAt === 0) while (start < 4 && ((cut[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return cut.subarray(start).toString();
}
