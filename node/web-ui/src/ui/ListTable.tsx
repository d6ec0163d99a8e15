import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { DataTable, type TableProps } from './DataTable';
import { EmptyState, ErrorState } from './States';
import type { List } from './useList';

interface Props<T> extends Omit<
  TableProps<T>,
  'rows' | 'total' | 'hasMore' | 'loadMore' | 'loading' | 'empty'
> {
  list: List<T>;
  /** Stands for a thing of the list where there is none. */
  icon: ReactNode;
  /** What is said while there is nothing yet; without it, nothing was found. */
  none?: { title: string; text: string; action?: ReactNode };
}

/** The table of a list that the server pages, whatever became of reading it. */
export function ListTable<T>({ list, icon, none, ...table }: Props<T>) {
  const { t } = useTranslation();
  if (list.error) return <ErrorState error={list.error} retry={list.retry} />;
  const said = none ?? { title: t('state.nothingFound'), text: t('state.nothingFoundHint') };
  return (
    <DataTable
      {...table}
      rows={list.rows}
      total={list.total}
      hasMore={list.hasMore}
      loadMore={list.loadMore}
      loading={list.loading}
      empty={<EmptyState icon={icon} {...said} />}
    />
  );
}
