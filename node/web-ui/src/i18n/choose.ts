/** The best language for somebody who wants `wanted`, in order: exact, then without the region. */
export function choose(wanted: readonly string[], offered: readonly string[]): string {
  for (const tag of wanted) {
    const exact = offered.find((one) => one.toLowerCase() === tag.toLowerCase());
    const base = offered.find((one) => one.toLowerCase() === tag.toLowerCase().split('-')[0]);
    if (exact ?? base) return (exact ?? base)!;
  }
  return 'en';
}
