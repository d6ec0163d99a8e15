import { Box, Checkbox, Text, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './DataTable.module.css';
import { ChooseColumns } from './ChooseColumns';
import { useColumnChoice, type Width } from './columnChoice';
import { Loading } from './States';
import { number } from './text';

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** A track of CSS grid: `120px`, `minmax(160px, 2fr)`. */
  width: string;
  /** The API can sort by it. */
  sortable?: boolean;
  /** Left out where the screen is narrow, unless it was chosen: `md` under 992 px, `sm` under 640 px. */
  from?: Width;
  /** Not there until it is chosen. */
  extra?: boolean;
}

export interface Selection {
  keys: ReadonlySet<string>;
  change: (keys: ReadonlySet<string>) => void;
  /** Says which row a box is for. */
  label: (key: string) => string;
}

export interface TableProps<T> {
  /** Under which the browser keeps what columns were chosen; without it there is no choice. */
  name?: string;
  label: string;
  columns: Column<T>[];
  rows: T[];
  /** All rows that match, on the server. */
  total: number;
  rowKey: (row: T) => string;
  sort?: string;
  onSort?: (sort: string) => void;
  selection?: Selection;
  onOpen?: (row: T) => void;
  active?: string;
  hasMore?: boolean;
  loadMore?: () => void;
  loading?: boolean;
  empty: ReactNode;
  rowHeight?: number;
}

/** Rows as the server pages them: only those in sight exist, more are asked for before they are. */
export function DataTable<T>(props: TableProps<T>) {
  const { rows, rowKey, hasMore, loadMore, selection, rowHeight = 48 } = props;
  const { t } = useTranslation();
  const choice = useColumnChoice(props.name ?? '', props.columns);
  const { columns } = choice;
  const table = { ...props, columns };
  const scroller = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- it re-renders by itself on scrolling
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: (place) => rowKey(rows[place]!),
    initialRect: { width: 800, height: 600 },
  });
  const seen = virtual.getVirtualItems();
  const last = seen.at(-1)?.index ?? 0;

  useEffect(() => {
    if (hasMore && loadMore && last >= rows.length - 40) loadMore();
  }, [hasMore, loadMore, last, rows.length]);

  const tracks = columns.map((column) => column.width);
  const style = {
    '--all': [selection && '44px', ...tracks].filter(Boolean).join(' '),
    '--md': tracksFor(columns, !!selection, ['lg']),
    '--sm': tracksFor(columns, !!selection, ['lg', 'md']),
    '--xs': tracksFor(columns, !!selection, ['lg', 'md', 'sm']),
    // Columns that were chosen on a narrow screen scroll sideways rather than vanish.
    '--least': `${104 * columns.filter((column) => column.header && !column.from).length}px`,
  };
  const body =
    rows.length === 0 ? (
      // A table may hold nothing but rows, also while it has none.
      <div role="rowgroup">
        <div role="row">
          <div role="cell" className={classes.whole}>
            {props.loading ? <Loading rows={8} /> : props.empty}
          </div>
        </div>
      </div>
    ) : (
      <div role="rowgroup" className={classes.body} style={{ height: virtual.getTotalSize() }}>
        {seen.map((item) => (
          <Row
            key={item.key}
            row={rows[item.index]!}
            place={item.index}
            top={item.start}
            height={rowHeight}
            table={table}
          />
        ))}
      </div>
    );
  return (
    <Box className={classes.frame}>
      <div
        ref={scroller}
        className={classes.scroller}
        role="table"
        aria-label={props.label}
        aria-rowcount={props.total + 1}
        tabIndex={0}
        style={style as React.CSSProperties}
      >
        <Head table={table} />
        {body}
      </div>
      <div className={classes.foot}>
        <Text size="xs" c="dimmed" role="status">
          {rows.length > 0 && t('table.shown', { count: props.total, total: number(props.total) })}
        </Text>
        {props.name && <ChooseColumns all={props.columns} choice={choice} />}
      </div>
    </Box>
  );
}

/** A second line of a cell, for what has no column where the screen is narrow. */
export function Below({ children }: { children: ReactNode }) {
  return (
    <Text component="div" size="xs" c="dimmed" truncate className={classes.below}>
      {children}
    </Text>
  );
}

function tracksFor<T>(columns: Column<T>[], selectable: boolean, without: string[]): string {
  const left = columns.filter((column) => !column.from || !without.includes(column.from));
  return [selectable && '44px', ...left.map((column) => column.width)].filter(Boolean).join(' ');
}

function Head<T>({ table }: { table: TableProps<T> }) {
  const { t } = useTranslation();
  const { selection, rows, rowKey } = table;
  const chosen = selection?.keys.size ?? 0;
  const all = rows.length > 0 && chosen >= rows.length;
  return (
    <div role="rowgroup" className={classes.head}>
      <div role="row" aria-rowindex={1} className={classes.row}>
        {selection && (
          <div role="columnheader" className={classes.cell}>
            <Checkbox
              size="xs"
              aria-label={t('table.selectAll')}
              checked={all}
              indeterminate={chosen > 0 && !all}
              onChange={() => selection.change(all ? new Set() : new Set(rows.map(rowKey)))}
            />
          </div>
        )}
        {table.columns.map((column) => (
          <HeadCell key={column.id} column={column} sort={table.sort} onSort={table.onSort} />
        ))}
      </div>
    </div>
  );
}

function HeadCell<T>(props: { column: Column<T>; sort?: string; onSort?: (sort: string) => void }) {
  const { column, sort, onSort } = props;
  const up = sort === column.id;
  const down = sort === `-${column.id}`;
  const order = up ? 'ascending' : down ? 'descending' : column.sortable ? 'none' : undefined;
  const Arrow = up ? IconArrowUp : down ? IconArrowDown : IconArrowsSort;
  return (
    <div role="columnheader" className={classes.cell} aria-sort={order} data-from={column.from}>
      {column.sortable && onSort ? (
        <UnstyledButton
          className={classes.sort}
          data-on={up || down || undefined}
          onClick={() => onSort(up ? `-${column.id}` : column.id)}
        >
          {column.header}
          <Arrow size={14} aria-hidden />
        </UnstyledButton>
      ) : (
        column.header
      )}
    </div>
  );
}

interface RowProps<T> {
  row: T;
  place: number;
  top: number;
  height: number;
  table: TableProps<T>;
}

function Row<T>({ row, place, top, height, table }: RowProps<T>) {
  const { selection, onOpen, columns, rowKey } = table;
  const key = rowKey(row);
  const open = (event: MouseEvent | KeyboardEvent) => {
    if (!(event.target as HTMLElement).closest('a, button, input, label, [data-choose]')) onOpen?.(row);
  };
  const toggle = () => {
    const keys = new Set(selection?.keys);
    if (!keys.delete(key)) keys.add(key);
    selection?.change(keys);
  };
  return (
    <div
      role="row"
      aria-rowindex={place + 2}
      className={classes.row}
      data-body
      data-open={onOpen ? true : undefined}
      data-active={table.active === key || undefined}
      data-chosen={selection?.keys.has(key) || undefined}
      style={{ height, transform: `translateY(${top}px)` }}
      onClick={open}
    >
      {selection && (
        <div
          role="cell"
          className={classes.cell}
          data-choose
          // Fingers are wider than the box.
          onClick={(event) => event.target === event.currentTarget && toggle()}
        >
          <Checkbox
            size="xs"
            aria-label={selection.label(key)}
            checked={selection.keys.has(key)}
            onChange={toggle}
          />
        </div>
      )}
      {columns.map((column) => (
        <div key={column.id} role="cell" className={classes.cell} data-from={column.from}>
          {column.cell(row)}
        </div>
      ))}
    </div>
  );
}
