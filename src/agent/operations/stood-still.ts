/** A write that was not made because the process stood still before it; and how it goes on. */

import { SluiceError } from '../../shared/errors.ts';
import type { OperationContext } from './context.ts';

/** Thrown by `permit`: what the operation knows of the object may be old, for another agent may have written. */
export class StoodStill extends SluiceError {
  constructor() {
    super('UNAVAILABLE', "Not written: the agent's process stood still for a while before it could. Ask anew.", {
      disposition: 'retry',
    });
  }
}

/** Starts over once, as if the operation had been sent again: the marks tell whether somebody did it, or something later, meanwhile. */
export async function lookingAgain<T>(
  context: OperationContext,
  act: (context: OperationContext) => Promise<T>,
): Promise<T> {
  try {
    return await act(context);
  } catch (error) {
    if (!(error instanceof StoodStill)) throw error;
    return act({ ...context, history: 'repeated' });
  }
}
