import { useState } from 'react';

/** Which columns of a table people see: theirs to choose, kept by their browser. */

export type Width = 'sm' | 'md' | 'lg';

/** From how many pixels on a column is there by itself; as in DataTable.module.css. */
const widths: Record<Width, number> = { sm: 640, md: 992, lg: 1200 };

interface Choosable {
  id: string;
  header: string;
  from?: Width;
  extra?: boolean;
}

/** What was chosen, by column; columns that nobody chose about are there as the screen allows. */
export type Chosen = Readonly<Record<string, boolean>>;

export interface ColumnChoice<C extends Choosable> {
  /** Those to show. */
  columns: C[];
  chosen: Chosen;
  choose: (chosen: Chosen) => void;
}

/** The first names the row and those without a head hold its buttons: they stay. */
export function choosable<C extends Choosable>(columns: C[]): C[] {
  return columns.slice(1).filter((column) => column.header !== '');
}

/** What was chosen is there on any screen. */
export function columnsOf<C extends Choosable>(columns: C[], chosen: Chosen): C[] {
  const may = new Set(choosable(columns).map((column) => column.id));
  return columns.flatMap((column) => {
    const wanted = may.has(column.id) ? chosen[column.id] : undefined;
    if (wanted === true) return [{ ...column, from: undefined }];
    return wanted === false || column.extra ? [] : [column];
  });
}

/** Whether a column is seen on a screen of `width` pixels. */
export function isSeen(column: Choosable, chosen: Chosen, width: number): boolean {
  return chosen[column.id] ?? (!column.extra && (!column.from || width >= widths[column.from]));
}

const key = (name: string) => `plenary.columns.${name}`;

function read(name: string): Chosen {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(name)) ?? '{}');
    const pairs = kept && typeof kept === 'object' ? Object.entries(kept) : [];
    return Object.fromEntries(pairs.filter(([, seen]) => typeof seen === 'boolean'));
  } catch {
    return {};
  }
}

export function useColumnChoice<C extends Choosable>(name: string, columns: C[]): ColumnChoice<C> {
  const [chosen, set] = useState(() => read(name));
  const choose = (next: Chosen) => {
    set(next);
    if (Object.keys(next).length > 0) localStorage.setItem(key(name), JSON.stringify(next));
    else localStorage.removeItem(key(name));
  };
  return { columns: columnsOf(columns, chosen), chosen, choose };
}
