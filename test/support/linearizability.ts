/**
 * Whether a recorded history fits one object that does one operation at a time (Herlihy and Wing 1990),
 * found by the search of Wing and Gong (1993): an operation may come first if no other one was answered
 * before it was asked for; it is applied to the object, and the rest of the history must fit what the
 * object has become. What has been tried is remembered by the operations already done and the state
 * that they led to (Lowe 2017), or the search would take exponential time on most histories.
 */

/** An operation as a client saw it. Times are any numbers that grow. */
export interface Recorded<Operation> {
  readonly operation: Operation;
  readonly asked: number;
  readonly answered: number;
}

/** The object that a history is compared with. */
export interface Model<State, Operation> {
  readonly initial: State;
  /** The state behind `operation`, answer included, or `impossible` where it cannot be answered like that. */
  step(state: State, operation: Operation): { readonly state: State } | 'impossible';
  /** Equal for equal states, and for no others. */
  key(state: State): string;
}

/**
 * An order of the operations that fits the model and contradicts no client, or undefined where there is
 * none.
 */
export function linearize<State, Operation>(
  history: readonly Recorded<Operation>[],
  model: Model<State, Operation>,
): readonly Operation[] | undefined {
  const byTime = history.toSorted((a, b) => a.asked - b.asked);
  const tried = new Set<string>();
  const order: Operation[] = [];

  const search = (done: bigint, state: State): boolean => {
    if (order.length === byTime.length) return true;
    const key = `${done.toString(36)} ${model.key(state)}`;
    if (tried.has(key)) return false;
    tried.add(key);
    let firstAnswer = Infinity;
    for (const [index, { asked, answered, operation }] of byTime.entries()) {
      const bit = 1n << BigInt(index);
      if ((done & bit) !== 0n) continue;
      // Whatever is asked for from here on came after something that is not done yet.
      if (asked > firstAnswer) break;
      firstAnswer = Math.min(firstAnswer, answered);
      const next = model.step(state, operation);
      if (next === 'impossible') continue;
      order.push(operation);
      if (search(done | bit, next.state)) return true;
      order.pop();
    }
    return false;
  };

  return search(0n, model.initial) ? order : undefined;
}

/** What an XCAP document is to its clients: one register, absent or with a value and its entity tag. */
export type Register = { readonly etag: string; readonly value: string } | undefined;

/** A condition as it stands in a request: a tag, or `*`. */
export interface RegisterConditions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
}

/** A request on the register and its answer. */
export type RegisterOperation = RegisterConditions &
  (
    | {
        readonly kind: 'get';
        readonly status: number;
        readonly etag: string | undefined;
        readonly value: string;
      }
    | {
        readonly kind: 'put';
        readonly status: number;
        readonly etag: string | undefined;
        readonly value: string;
      }
    | { readonly kind: 'delete'; readonly status: number }
  );

function holds(state: Register, { ifMatch, ifNoneMatch }: RegisterConditions): boolean {
  const isNamed = (by: string): boolean => state !== undefined && (by === '*' || by === state.etag);
  return (ifMatch === undefined || isNamed(ifMatch)) && (ifNoneMatch === undefined || !isNamed(ifNoneMatch));
}

/** RFC 4825 clause 8.5 and RFC 9110 clause 13, for one document. */
export const registerModel: Model<Register, RegisterOperation> = {
  initial: undefined,
  key: (state) => (state === undefined ? '' : `${state.etag} ${state.value}`),
  step(state, operation) {
    const as = (status: number, next: Register): { state: Register } | 'impossible' =>
      operation.status === status ? { state: next } : 'impossible';
    switch (operation.kind) {
      case 'get': {
        if (state === undefined) return as(404, state);
        if (operation.ifMatch !== undefined && !holds(state, { ifMatch: operation.ifMatch }))
          return as(412, state);
        if (operation.etag !== state.etag) return 'impossible';
        if (!holds(state, operation)) return as(304, state);
        return operation.value === state.value ? as(200, state) : 'impossible';
      }
      case 'put': {
        if (!holds(state, operation)) return as(412, state);
        const { etag, value } = operation;
        if (etag === undefined || etag === state?.etag) return 'impossible';
        return as(state === undefined ? 201 : 200, { etag, value });
      }
      case 'delete':
        if (!holds(state, operation)) return as(412, state);
        return state === undefined ? as(404, state) : as(200, undefined);
    }
  },
};
