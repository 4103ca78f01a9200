"""A Spark to test on, of two workers on this machine, and what its workers have to find in a module."""

import os
from pathlib import Path
import shutil

from attrs import frozen
import pytest

from loyaltycore import *

HOW = "no Java; with Debian's openjdk-17-jre-headless: apt-get install openjdk-17-jre-headless, or export JAVA_HOME"


def session():
    """The one session of this process."""
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        if os.environ.get("CI") == "true":
            pytest.fail(HOW)
        pytest.skip(HOW)
    from pyspark.sql import SparkSession

    config = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.executorEnv.PYTHONPATH": str(Path(__file__).parent),  # the workers find this module
        "spark.sql.session.timeZone": "America/Los_Angeles",
        "spark.python.sql.dataFrameDebugging.enabled": False,  # it looks up each column's line of Python
        "spark.sql.shuffle.partitions": 2,
        "spark.sql.timestampType": "TIMESTAMP_NTZ",  # civil time of polars stays that
        "spark.ui.enabled": False,
        "spark.ui.showConsoleProgress": False,
    }
    found = SparkSession.builder.master("local[2]").config(map=config).getOrCreate()
    found.sparkContext.setLogLevel("FATAL")
    return found


@frozen
class MayBonus(EarningRule):
    """A rule of one's own, which columns cannot express."""

    kind = "may_bonus_on_spark"

    def earn(self, activity, member):
        return 500 if activity.day.month == 5 else activity.amount
