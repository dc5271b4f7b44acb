# SPDX-License-Identifier: Apache-2.0
"""Runs the notebook of the examples without a screen, and looks at its outputs.

    run.py NOTEBOOK

Says ok or not ok for each thing that has to be so. The outputs are looked at in
memory: what is committed has none.
"""

import sys
from pathlib import Path

import nbformat
from nbconvert.preprocessors import CellExecutionError, ExecutePreprocessor

failed = 0


def check(name, passed):
    global failed
    failed += not passed
    print('ok' if passed else 'not ok', name)


def of_type(cells, kind):
    """Every output of that media type, as text."""
    return [
        output['data'][kind]
        for cell in cells
        for output in cell.outputs
        if kind in output.get('data', {})
    ]


def text_of(cells):
    streams = [
        output.text
        for cell in cells
        for output in cell.outputs
        if output.output_type == 'stream'
    ]
    return '\n'.join(streams + of_type(cells, 'text/plain'))


def main():
    path = Path(sys.argv[1])
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == 'code']
    check(
        'no outputs are stored',
        not any(cell.outputs or cell.execution_count for cell in cells),
    )
    run = ExecutePreprocessor(timeout=60, kernel_name='python3')
    run.log.setLevel('ERROR')
    try:
        run.preprocess(notebook, {'metadata': {'path': str(path.parent)}})
    except CellExecutionError as error:
        print(error)
        check('every cell runs', False)
        return 1
    check('every cell runs', all(cell.execution_count for cell in cells))
    tables = of_type(cells, 'text/html')
    check(
        'the store shows its views',
        any('airport_traffic' in table for table in tables),
    )
    answers = [table for table in tables if 'mean_delay_7d' in table]
    check('an answer shows itself as a table', len(answers) >= 1)
    text = text_of(cells)
    print(text)
    for part in (
        'aircraft_activity: ',
        'airport_traffic: ',
        "'present': 48",
        '45.1',
        '(67, 7)',
    ):
        check('the outputs have: ' + part, part in text)
    pictures = of_type(cells, 'image/png')
    check(
        'a picture of some size',
        [len(one) > 4000 for one in pictures] == [True],
    )
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
