import type { RegisteredRouter, RouteApi, RouteById, RouteIds } from '@tanstack/react-router';

type Tree = RegisteredRouter['routeTree'];

/** What the address of a route may say. */
type Said<Id extends RouteIds<Tree>> = RouteById<Tree, Id>['types']['fullSearchSchema'];

interface Step<S> {
  search: (now: S) => S;
  replace: boolean;
}

/** What the address of a route says after its `?`, and how to say something else there. */
export function useAddress<Id extends RouteIds<Tree>>(route: RouteApi<Id>) {
  const said = route.useSearch() as Said<Id>;
  const navigate = route.useNavigate() as (to: Step<Said<Id>>) => Promise<void>;
  const say = (patch: Partial<Said<Id>>, replace: boolean) =>
    void navigate({ search: (now) => ({ ...now, ...patch }), replace });
  return {
    said,
    /** Corrects the address. */
    set: (patch: Partial<Said<Id>>) => say(patch, true),
    /** Goes there: "back" leads here again. */
    go: (patch: Partial<Said<Id>>) => say(patch, false),
  };
}
