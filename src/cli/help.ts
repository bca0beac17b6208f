/** The text of `mcgms --help`. */
export const helpText = `mcgms - group management server for mission critical communications

Usage:
  mcgms serve [--config FILE] [--port N] [--data FOLDER]
  mcgms gateway --config FILE
  mcgms check-config [--gateway] FILE
  mcgms policy test --policy FILE [--policy FILE]... --group FILE [--system NAME]
  mcgms peers [NAME]           | verify PEER           [--json] [--config FILE]
  mcgms share GROUP PEER       | unshare GROUP PEER    [--server URL] [--as IDENTITY]
  mcgms retry PEER [GROUP]     | refetch PEER [GROUP]
  mcgms demo [--keep]
  mcgms options [--gateway]
  mcgms --help | --version

Commands:
  serve           Run the server until it is told to stop.
  gateway         Stand between the servers of one MC system and other MC systems.
  check-config    Show every mistake in a configuration file, each with its place.
  policy test     Show what policies make of a group, and store nothing.
  peers           Show how every partner MC system stands, or one with all its groups.
  verify          Compare every group that is shared with a partner; change nothing.
  share, unshare  Share a group of ours with a partner by name, or take that back.
  retry           Try again what is pending or parked for a partner, or one group of it.
  refetch         Ask a partner anew for its groups that are held here, or for one of them.
  demo            Let two MC systems on this machine share groups, and show how.
  options         Show every option of a configuration file with its type and default.

Options:
  --config FILE   The configuration file. Without one: development mode on 127.0.0.1:8080,
                  documents in ./data, the domain police.example.
  --port N        Listen on this port, whatever the configuration says; 0 takes any free one.
  --data FOLDER   Keep documents here, whatever the configuration says.
  --policy FILE   A policy; given several times, they run by their precedence.
  --group FILE    A group document as its primary MC system would provide it.
  --system NAME   That system, for the policies' guards. Without it: the first that a policy names.
  --json          Show the server's answer as it came.
  --server URL    The server to ask, or its resources for operators. Without it: that of --config.
  --as IDENTITY   The administrator to ask as. Without it: the first that --config names.
  --keep          Leave both systems running until Ctrl-C.
  --gateway       The configuration file is that of a gateway.
  --help          Show this text.
  --version       Show the version.

Exit codes: 0 done, 1 failed, 64 wrong call, 65 a document is not valid, 66 it cannot be read,
69 store unusable, 78 wrong configuration. policy test: 0 whether or not the group is modified,
1 where the policies cannot be applied to it. peers, verify, share, unshare, retry, refetch: 0 done,
1 the server refuses or does not answer, groups differ (verify) or could not be had (refetch),
2 wrong call.
`;
