#!/usr/bin/env bash
# publish_site.sh FOLDER: put the versions of the site in FOLDER beside those on the branch gh-pages, and push it.
# ADDRESS is where GitHub Pages serves the branch. Two runs may push at once, for a tag and for the main branch:
# who comes second begins again with what the first one pushed.
set -euo pipefail
export GIT_AUTHOR_NAME=github-actions GIT_AUTHOR_EMAIL=github-actions@users.noreply.github.com
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
for attempt in 1 2 3; do
  rm -rf site && git worktree prune
  if git fetch -q --depth 1 origin gh-pages; then
    git worktree add -q --detach site FETCH_HEAD
  elif [ -z "$(git ls-remote origin gh-pages)" ]; then
    git worktree add -q --detach site
    git -C site checkout -q --orphan "first-$attempt"
    git -C site rm -rfq .
  else
    continue
  fi
  for version in "$1"/*; do
    rm -rf "site/${version##*/}"
    cp -R "$version" site/
  done
  touch site/.nojekyll # folders that begin with _ are served too
  python docs/versions.py site "$ADDRESS"
  git -C site add --all
  git -C site diff --cached --quiet || git -C site commit -qm "Site of $(git describe --always --tags)"
  if git -C site push -q origin HEAD:refs/heads/gh-pages; then exit 0; fi
done
echo "gh-pages could not be pushed; run this job again" >&2
exit 1
