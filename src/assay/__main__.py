"""`python -m assay`: the command line of this very Python."""

from assay.cli.main import main

if __name__ == "__main__":
    main()
