/**
 * A rule of the linter: the time of day is neither subtracted nor compared, because somebody may set it
 * meanwhile. Durations are differences of `Clock.monotonic()`.
 *
 * It goes by types, so it also sees a time of day that went through a variable, a parameter or a field, as
 * long as its type is `WallTime`. It does not see one that was stored as a plain `number`, nor a sum, which
 * is a plain number again; where the other side is a `WallTime` it sees these too.
 */

const operators = new Set(['-', '-=', '<', '<=', '>', '>=']);

export const noWallDurations = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      wall: 'The time of day may be set back: measure by Clock.monotonic(), or use millisecondsUntil().',
    },
  },
  create(context) {
    const { program, esTreeNodeToTSNodeMap } = context.sourceCode.parserServices;
    const checker = program.getTypeChecker();
    const isWall = (node) => {
      const type = checker.getTypeAtLocation(esTreeNodeToTSNodeMap.get(node));
      const parts = type.isUnion() ? type.types : [type];
      return parts.some(
        (part) => part.aliasSymbol?.name === 'WallTime' || /\bWallTime\b/.test(checker.typeToString(part)),
      );
    };
    const check = (node) => {
      if (!operators.has(node.operator)) return;
      if (isWall(node.left) || isWall(node.right)) context.report({ node, messageId: 'wall' });
    };
    return { BinaryExpression: check, AssignmentExpression: check };
  },
};
