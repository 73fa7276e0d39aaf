/** The serial number of a certificate, as who compares two needs it. Pure. */

/** As Node and the library that makes certificates write it, made equal: lower case, no leading zeros. */
export function normalSerial(serial: string): string {
  return serial.toLowerCase().replace(/^0+/, '');
}
