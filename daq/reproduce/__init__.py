"""The paper again, from an empty directory: calibrations, runs, Table I, Figures 1 to 5, and a page that compares.

`parts` is what is taken, as data; `course` goes through it; `table_one`, `figures` and `claims` are the paper's side;
`truth` holds the results against a simulated machine; `page` and `files` write it all down.
"""
